// @ts-check
"use strict";

// Decisions as values: which keys stand for which class, what was decided, where that is kept, and the file
// that `audit apply` reads. Nothing here knows the page.

/**
 * @typedef {{row: number[], id: string[], given: number[], suggested: number[], p_error: number[],
 *   likely: [number, number][][]}} Cards
 * @typedef {{run: string, fingerprint: string, data: string, class_names: string[], blind: boolean,
 *   spread: [number, number], cards: Cards}} Data
 * @typedef {"keep" | "relabel" | "ambiguous" | "drop"} Action
 * @typedef {{id: string, row: number, given: string, suggested: string, action: Action, label: string | null,
 *   note: string, time: string}} Decision
 * @typedef {[number, Decision | undefined][]} Step  rows and what had been decided of them before
 */

const FORMAT = "label-audit decisions";
const VERSION = 1;
const ACTIONS = ["keep", "relabel", "ambiguous", "drop"];
const CLASS_KEYS = [..."1234567890", ..."bcdefghilmopqstwz"]; // without a j k n r u v x y, which do other things

/**
 * The key of each class: its own digit where its name is one, else the next that is free; none at all where
 * there are more classes than keys.
 * @param {string[]} names
 * @returns {string[]}
 */
function keysOf(names) {
  if (names.length > CLASS_KEYS.length) return [];
  const own = names.filter((name) => /^[0-9]$/.test(name));
  const free = CLASS_KEYS.filter((key) => !own.includes(key));
  return names.map((name) => (own.includes(name) ? name : String(free.shift())));
}

/**
 * What keeps a file from being taken over, in one line, or null.
 * @param {any} file
 * @param {Data} data
 * @param {Map<number, number>} places  where each row stands among the cards
 * @returns {string | null}
 */
function problemOf(file, data, places) {
  if (file?.format !== FORMAT || !Array.isArray(file.decisions)) return `it is no file of ${FORMAT}`;
  if (file.version !== VERSION) return `it has version ${file.version}, expected ${VERSION}`;
  if (file.run !== data.run || file.fingerprint !== data.fingerprint) {
    return `it was made with another run (${short(file.run)} of ${file.data}), this page is of run ` +
      `${short(data.run)} of ${data.data}; open it in the report that it came from`;
  }
  const seen = new Set();
  for (const [number, entry] of file.decisions.entries()) {
    const problem = seen.has(entry?.row) ? "has a row for the second time" : problemIn(entry, places, data);
    if (problem) return `decision ${number + 1} ${problem}`;
    seen.add(entry.row);
  }
  return null;
}

/**
 * @param {any} entry
 * @param {Map<number, number>} places  where each row stands among the cards
 * @param {Data} data
 * @returns {string | null}
 */
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

/** @param {unknown} key */
function short(key) {
  return String(key).slice(0, 8);
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
    this.refused = false;
    /** @type {Storage | null} */
    this.storage = null;
    try {
      this.storage = open();
      this.storage.setItem(this.prefix, "");
      this.storage.removeItem(this.prefix);
    } catch {
      this.refused = true;
    }
    for (const key of Object.keys(this.storage ?? {})) this.hear(key, this.storage?.getItem(key) ?? null);
  }

  /**
   * Take over what this or another tab has kept under a key; the row that it was of, or null.
   * @param {string | null} key
   * @param {string | null} text
   */
  hear(key, text) {
    if (!key?.startsWith(this.prefix)) return null;
    const row = Number(key.slice(this.prefix.length));
    if (text === null) {
      this.decisions.delete(row);
      return row;
    }
    try {
      const entry = JSON.parse(text);
      if (entry.row !== row || problemIn(entry, this.places, this.data)) return null;
      this.decisions.set(row, entry);
      return row;
    } catch {
      return null;
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
    try {
      if (!this.storage) throw new Error("refused");
      if (entry) this.storage.setItem(this.prefix + row, JSON.stringify(entry));
      else this.storage.removeItem(this.prefix + row);
    } catch {
      this.refused = this.unsaved = true;
    }
  }

  /** The content of decisions.json. @param {string} reviewer */
  file(reviewer) {
    const decisions = [...this.decisions.values()].sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0));
    const { run, fingerprint, data, class_names } = this.data;
    const exported = new Date().toISOString();
    return { format: FORMAT, version: VERSION, run, fingerprint, data, reviewer, exported, class_names, decisions };
  }

  /**
   * Take over a file's decisions, the later one where both have one; how many were new, later and earlier.
   * @param {{decisions: Decision[]}} file
   */
  merge(file) {
    const before = (/** @type {Decision} */ { row }) => this.decisions.get(row);
    const same = (/** @type {Decision} */ e) => before(e)?.time === e.time;
    const fresh = file.decisions.filter((e) => !before(e));
    const later = file.decisions.filter((e) => (before(e)?.time ?? "~") < e.time);
    const earlier = file.decisions.length - fresh.length - later.length - file.decisions.filter(same).length;
    if (fresh.length + later.length) this.decide([...fresh, ...later]);
    return { fresh: fresh.length, later: later.length, earlier };
  }
}
