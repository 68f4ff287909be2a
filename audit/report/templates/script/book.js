// The book of decisions: what was decided, what can be undone and done again, and notes on rows that are still
// undecided. All of it is kept in the browser, an entry a row, so that a reload loses nothing.

/**
 * @typedef {[row: number, before: Decision | null, after: Decision | null]} Change
 * @typedef {Change[]} Step  what one key or button changed
 */

const KEPT_STEPS = 100; // that a reload can still undo
const KEPT_CHANGES = 2000; // in all of them

class Book {
  /** @param {Data} data @param {Store} store */
  constructor(data, store) {
    this.data = data;
    this.store = store;
    this.places = new Map(data.cards.row.map((row, index) => [row, index]));
    this.prefix = `label-audit:${data.run}:`;
    /** @type {Map<number, Decision>} */
    this.decisions = new Map();
    /** @type {Map<number, string>} */
    this.notes = new Map(); // of undecided rows
    /** @type {Step[]} */
    this.steps = [];
    /** @type {Step[]} */
    this.undone = [];
    this.unsaved = false; // decided here, and neither kept by the browser nor exported
    for (const key of store.keys()) this.hear(key, store.read(key));
  }

  /**
   * Take over what this or another tab has kept under a key; the row that it was of, or null.
   * @param {string | null} key @param {string | null} text
   */
  hear(key, text) {
    if (!key?.startsWith(this.prefix)) return null;
    const name = key.slice(this.prefix.length);
    try {
      if (name === "steps") return this.hearSteps(JSON.parse(text ?? "{}"));
      if (name.startsWith("note:")) return this.hearNote(Number(name.slice(5)), text);
      return this.hearDecision(Number(name), JSON.parse(text ?? "null"));
    } catch {
      return null; // damaged: as if it were not there
    }
  }

  /** @param {number} row @param {any} entry */
  hearDecision(row, entry) {
    if (entry && (entry.row !== row || problemIn(entry, this.places, this.data))) return null;
    if (entry) this.decisions.set(row, entry);
    else this.decisions.delete(row);
    return row;
  }

  /** @param {number} row @param {string | null} text */
  hearNote(row, text) {
    if (text) this.notes.set(row, text);
    else this.notes.delete(row);
    return null;
  }

  /** @param {any} kept */
  hearSteps(kept) {
    const fits = (/** @type {any} */ entry) => entry === null || !problemIn(entry, this.places, this.data);
    const steps = [kept.steps ?? [], kept.undone ?? []];
    if (!steps.flat(2).every(([, before, after]) => fits(before) && fits(after))) return null;
    [this.steps, this.undone] = steps;
    return null;
  }

  /** One step: entries of rows, or null for a row that is to be undecided. @param {[number, Decision | null][]} entries */
  change(entries) {
    this.steps.push(entries.map(([row, after]) => [row, this.decisions.get(row) ?? null, after]));
    this.undone = [];
    for (const [row, after] of entries) this.put(row, after);
    this.keepSteps();
  }

  /** @param {Decision[]} entries */
  decide(entries) {
    this.change(entries.map((entry) => [entry.row, entry]));
  }

  /** Make rows undecided, those that are not; how many. @param {number[]} rows */
  clear(rows) {
    const decided = rows.filter((row) => this.decisions.has(row));
    if (decided.length) this.change(decided.map((row) => [row, null]));
    return decided.length;
  }

  /** Undo the last step; the rows that it was of. */
  undo() {
    return this.move(this.steps, this.undone, ([row, before]) => this.put(row, before));
  }

  /** Do again what was undone last; the rows that it was of. */
  redo() {
    return this.move(this.undone, this.steps, ([row, , after]) => this.put(row, after));
  }

  /** @param {Step[]} from @param {Step[]} to @param {(change: Change) => void} apply */
  move(from, to, apply) {
    const step = from.pop();
    if (!step) return [];
    to.push(step);
    step.forEach(apply);
    this.keepSteps();
    return step.map(([row]) => row);
  }

  /** @param {number} row @param {Decision | null} entry */
  put(row, entry) {
    const note = this.noteOf(row);
    if (entry) this.decisions.set(row, entry);
    else this.decisions.delete(row);
    if (!this.store.keep(this.prefix + row, entry ? JSON.stringify(entry) : null)) this.unsaved = true;
    this.keepNote(row, entry ? "" : note);
  }

  /** @param {number} row */
  noteOf(row) {
    return this.decisions.get(row)?.note ?? this.notes.get(row) ?? "";
  }

  /** The note of a row: part of its decision, or waiting for one. @param {number} row @param {string} text */
  note(row, text) {
    const made = this.decisions.get(row);
    if (!made) this.keepNote(row, text);
    else if (made.note !== text) this.put(row, { ...made, note: text, time: new Date().toISOString() });
  }

  /** @param {number} row @param {string} text */
  keepNote(row, text) {
    if (text === (this.notes.get(row) ?? "")) return;
    this.hearNote(row, text);
    if (!this.store.keep(`${this.prefix}note:${row}`, text || null)) this.unsaved = true;
  }

  keepSteps() {
    const kept = [];
    let changes = 0;
    for (const step of this.steps.slice(-KEPT_STEPS).reverse()) {
      changes += step.length;
      if (changes > KEPT_CHANGES) break;
      kept.unshift(step);
    }
    this.store.keep(`${this.prefix}steps`, JSON.stringify({ steps: kept, undone: this.undone.slice(-KEPT_STEPS) }));
  }

  /** The content of decisions.json. @param {string} reviewer */
  file(reviewer) {
    const decisions = [...this.decisions.values()].sort((a, b) => Number(a.time > b.time) - Number(a.time < b.time));
    const { run, fingerprint, data, class_names } = this.data;
    const exported = new Date().toISOString();
    return { format: FORMAT, version: VERSION, run, fingerprint, data, reviewer, exported, class_names, decisions };
  }

  /** Take over decisions, the later where both have one; how many were new and later. @param {Decision[]} entries */
  merge(entries) {
    const fresh = entries.filter(({ row }) => !this.decisions.has(row));
    const later = entries.filter(({ row, time }) => (this.decisions.get(row)?.time ?? "~") < time);
    if (fresh.length + later.length) this.decide([...fresh, ...later]);
    return [fresh.length, later.length];
  }
}
