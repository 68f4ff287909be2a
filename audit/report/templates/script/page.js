// The page: its data, its elements, what is shown of the cards, and how a text comes into it. No key causes work
// in proportion to the layout of the page.

const MORE = 48; // cards that are shown at a time
const AHEAD = 16; // beyond the current one, so that a step adds one card to the page and not a screen of them
const NEXT = 50; // cards that one looks ahead
const MOST_PREVIEWS = 60;
const SIGNS = { keep: "✓", relabel: "→", ambiguous: "?", drop: "×" };
const WORDS = { keep: "kept", relabel: "changed to", ambiguous: "ambiguous", drop: "dropped" };

/** @template {HTMLElement} T @param {string} id @param {new () => T} kind @returns {T} */
function the(id, kind) {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`the page has no ${id}`);
  return found;
}

/** @type {Data} */
const data = JSON.parse(the("data", HTMLElement).textContent ?? "");
const names = data.class_names;
const keys = keysOf(names);
const { row: rows, id: ids, given, suggested, knot: knots, likely, kind: kinds } = data.cards;
const curve = data.curve && new ErrorCurve(data.curve);
const book = new Book(data, () => window.localStorage);
const cards = [...document.querySelectorAll("#suspects .card")].map((card) => /** @type {HTMLElement} */ (card));
const [review, columns, grid, panel, look, choices] = ["review", "columns", "cards", "panel", "look", "choices"]
  .map((id) => the(id, HTMLElement));
const [note, reviewer, hide, find, classFind, file, keysOn, stopBelow] =
  ["note", "reviewer", "hide", "find", "class-find", "file", "keys-on", "stop-below"].map((id) => the(id, HTMLInputElement));
const [givenTool, suggestedTool, kindTool, sort] = ["given", "suggested", "kind", "sort"].map((id) => the(`tool-${id}`, HTMLSelectElement));
const [helpDialog, pickDialog, cellDialog] = ["help", "pick", "cell"].map((id) => the(id, HTMLDialogElement));

let show = "all"; // which decisions the grid shows
let sorted = "page"; // how the cards stand in the document
let order = cards.map((_, i) => i); // the cards that the filters leave, in their order
let place = order.slice(); // of each card in it, -1 for none
let limit = 0; // how many of them are shown
let current = -1;
const marked = /** @type {Set<number>} */ (new Set());
const drawn = cards.map((_, i) => (data.sample.includes(i) ? data.sample.indexOf(i) : cards.length)); // places in the sample
const notes = /** @type {Map<number, string>} */ (new Map()); // as typed, of cards that may be undecided yet
// What a search looks through: the id and, of a text, its words.
const wordsOf = cards.map((card, i) => `${ids[i]} ${card.querySelector(".look > .text")?.textContent ?? ""}`.toLowerCase());
const filters = /** @type {WeakMap<Element, string[]>} */ (new WeakMap()); // given, suggested, kind by button

const decisionOf = (/** @type {number} */ i) => book.decisions.get(rows[i]);
const hides = (/** @type {number} */ i) => hide.checked && !decisionOf(i);
const number = (/** @type {number} */ x) => Math.round(x).toLocaleString("en");
const say = (/** @type {string} */ text) => fill(panel, "#said", text);
const warn = (/** @type {string} */ text) => fill(review, "#warning", text);

/** @param {HTMLElement} parent @param {string} selector @param {string} text */
function fill(parent, selector, text) {
  const found = parent.querySelector(selector);
  if (found) found.textContent = text;
}
