// @ts-check
"use strict";

// Decisions as values: which keys stand for which class, what a decision is, and which files can be taken over.
// Nothing here knows the page.

/**
 * @typedef {{row: number[], id: string[], given: number[], suggested: number[], p_error: number[], knot: number[],
 *   likely: [number, number][][], kind: number[], fold: number[], part: number[], people: number[][]}} Cards
 * @typedef {{row: number[], id: string[], given: number[], suggested: number[]}} Others  rows without a card
 * @typedef {{name: string, count: number, proposes: Proposal}} Kind
 * @typedef {{run: string, fingerprint: string, data: string, class_names: string[], blind: boolean,
 *   kinds: Record<string, Kind>, parts: string[], people: string[], curve: Grid | null, others: Others,
 *   sample: number[], sample_first: boolean, cards: Cards}} Data
 * @typedef {"keep" | "relabel" | "ambiguous" | "drop"} Action
 * @typedef {"keep" | "accept" | "ambiguous" | "drop"} Answer  accept is to take the suggested class
 * @typedef {Answer | "inspect" | "both"} Proposal  to look at it large, or at its duplicate too, comes before an answer
 * @typedef {{id: string, row: number, given: string, suggested: string, action: Action, label: string | null,
 *   note: string, time: string}} Decision
 */

const FORMAT = "label-audit decisions";
const VERSION = 1;
const ACTIONS = ["keep", "relabel", "ambiguous", "drop"];
const CLASS_KEYS = [..."1234567890", ..."bcdefghilmopqstw"]; // the other letters are commands
const FEW_CLASSES = 10; // that have buttons even where their names are words
const OFFERED = 5; // classes that have buttons where not all have one

/** A key a class: its own digit, else the next free one; none where keys or room do not suffice. @param {string[]} names */
function keysOf(names) {
  const worded = names.some((name) => name.length > 4);
  if (names.length > (worded ? FEW_CLASSES : CLASS_KEYS.length)) return [];
  const own = names.filter((name) => /^[0-9]$/.test(name));
  const free = CLASS_KEYS.filter((key) => !own.includes(key));
  return names.map((name) => (own.includes(name) ? name : String(free.shift())));
}

/** The classes that have a button where not all have one: the likeliest, the suggested one among them. Where few
 * are likely, or that is hidden, others make up the number, so that the buttons stay where they are.
 * @param {[number, number][]} likely @param {number} suggested  -1 while it is hidden @param {number} k  classes in all */
function offered(likely, suggested, k) {
  const all = new Set([...likely.map(([label]) => label), ...Array(k).keys()]);
  const classes = [...all].slice(0, OFFERED);
  if (suggested >= 0 && !classes.includes(suggested)) classes.splice(OFFERED - 1, 1, suggested);
  return classes;
}

/** What was decided in one word a case; to change to the given class is to keep. @param {Decision} made */
function verdictOf(made) {
  if (made.action !== "relabel") return made.action;
  return made.label === made.given ? "keep" : `relabel to ${made.label}`;
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
