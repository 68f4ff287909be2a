// @ts-check
"use strict";

// Decisions as values: which keys stand for which class, what was decided, where that is kept, and the file
// that `audit apply` reads. Nothing here knows the page.

/**
 * @typedef {{row: number[], id: string[], given: number[], suggested: number[], p_error: number[],
 *   knot: number[], likely: [number, number][][], kind: number[]}} Cards
 * @typedef {{run: string, fingerprint: string, data: string, class_names: string[], blind: boolean,
 *   kinds: Record<string, string>, curve: Grid | null, sample: number[], sample_first: boolean, cards: Cards}} Data
 * @typedef {"keep" | "relabel" | "ambiguous" | "drop"} Action
 * @typedef {{id: string, row: number, given: string, suggested: string, action: Action, label: string | null,
 *   note: string, time: string}} Decision
 * @typedef {[number, Decision | undefined][]} Step  rows and what had been decided of them before
 */

const FORMAT = "label-audit decisions";
const VERSION = 1;
const ACTIONS = ["keep", "relabel", "ambiguous", "drop"];
const CLASS_KEYS = [..."1234567890", ..."bcdefghilmopqstwz"]; // without a j k n r u v x y, which do other things

/** A key a class: its own digit, else the next free one; none where keys do not suffice. @param {string[]} names */
function keysOf(names) {
  if (names.length > CLASS_KEYS.length) return [];
  const own = names.filter((name) => /^[0-9]$/.test(name));
  const free = CLASS_KEYS.filter((key) => !own.includes(key));
  return names.map((name) => (own.includes(name) ? name : String(free.shift())));
}

/**
 * What keeps a file from being taken over, in one line, or null. places: where each row is among the cards.
 * @param {any} file @param {Data} data @param {Map<number, number>} places
 */
function problemOf(file, data, places) {
  if (file?.format !== FORMAT || !Array.isArray(file.decisions)) return `it is not a file of ${FORMAT}`;
  if (file.version !== VERSION) return `it has version ${file.version}, expected ${VERSION}`;
  if (file.run !== data.run || file.fingerprint !== data.fingerprint) {
    return `it was made with another run (${String(file.run).slice(0, 8)} of ${file.data}), this page is of run ` +
      `${data.run.slice(0, 8)} of ${data.data}; open it in the report that it was made in`;
  }
  const seen = new Set();
  for (const [number, entry] of file.decisions.entries()) {
    const problem = seen.has(entry?.row) ? "repeats a row" : problemIn(entry, places, data);
    if (problem) return `decision ${number + 1} ${problem}`;
    seen.add(entry.row);
  }
  return null;
}

/** @param {any} entry @param {Map<number, number>} places @param {Data} data */
function problemIn(entry, places, data) {
  const names = data.class_names;
  if (!Number.isInteger(entry?.row) || entry.row < 0) return "has no row";
  if (!ACTIONS.includes(entry.action)) return `has the action ${entry.action}, expected ${ACTIONS.join(", ")}`;
  if (entry.action === "relabel" ? !names.includes(entry.label) : entry.label !== null) {
    return `has the label ${entry.label}, which ${entry.action} does not take here`;
  }
  if (["id", "given", "suggested", "note", "time"].some((name) => typeof entry[name] !== "string")) {
    return "lacks its id, labels, note or time";
  }
  const place = places.get(entry.row);
  const fits = place === undefined
    || (entry.id === data.cards.id[place] && entry.given === names[data.cards.given[place]]);
  return fits ? null : `is of ${entry.id}, given ${entry.given}, which is not what row ${entry.row} shows here`;
}

/** What was decided, several steps of undoing, and its place in the browser, an entry a row. */
class Book {
  /** @param {Data} data @param {() => Storage} open  may throw where a browser refuses to keep anything */
  constructor(data, open) {
    this.data = data;
    this.places = new Map(data.cards.row.map((row, index) => [row, index]));
    this.prefix = `label-audit:${data.run}:`;
    /** @type {Map<number, Decision>} */
    this.decisions = new Map();
    /** @type {Step[]} */
    this.steps = [];
    this.unsaved = false; // decided here, and neither kept by the browser nor exported
    /** @type {boolean} */
    this.refused = true;
    /** @type {Storage | null} */
    this.storage = null;
    try {
      this.storage = open();
    } catch {
      // The same as no storage.
    }
    if (this.keep("label-audit", "")) this.keep("label-audit", null); // whether it keeps anything
    for (const key of Object.keys(this.storage ?? {})) this.hear(key, this.storage?.getItem(key) ?? null);
  }

  /**
   * Take over what this or another tab has kept under a key; the row that it was of, or null.
   * @param {string | null} key @param {string | null} text
   */
  hear(key, text) {
    if (!key?.startsWith(this.prefix)) return null;
    const row = Number(key.slice(this.prefix.length));
    try {
      const entry = JSON.parse(text ?? "null");
      if (entry && (entry.row !== row || problemIn(entry, this.places, this.data))) return null;
      if (entry) this.decisions.set(row, entry);
      else this.decisions.delete(row);
      return row;
    } catch {
      return null; // damaged: as if it were not there
    }
  }

  /** @param {Decision[]} entries  one step to undo */
  decide(entries) {
    this.steps.push(entries.map(({ row }) => [row, this.decisions.get(row)]));
    for (const entry of entries) this.put(entry.row, entry);
  }

  /** Undo the last step; the rows that it was of. */
  undo() {
    const step = this.steps.pop() ?? [];
    for (const [row, before] of step) this.put(row, before);
    return step.map(([row]) => row);
  }

  /** @param {number} row @param {Decision | undefined} entry */
  put(row, entry) {
    if (entry) this.decisions.set(row, entry);
    else this.decisions.delete(row);
    if (!this.keep(this.prefix + row, entry ? JSON.stringify(entry) : null)) this.unsaved = true;
  }

  /** Keep a text in the browser, or nothing; whether it could. @param {string} key @param {string | null} text */
  keep(key, text) {
    try {
      if (text === null) this.storage?.removeItem(key);
      else this.storage?.setItem(key, text);
      this.refused = !this.storage;
    } catch {
      this.refused = true; // forbidden, or full
    }
    return !this.refused;
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
