// The page: its data, its elements, and how a text comes into it. No key causes work in proportion to the layout.

const MORE = 48; // cards that are shown at a time
const AHEAD = 16; // beyond the current one, so that a step adds one card to the page and not a screen of them
const NEXT = 50; // cards that one looks ahead
const SIGNS = { keep: "✓", relabel: "→", ambiguous: "?", drop: "×" };
const WORDS = { keep: "kept", relabel: "changed to", ambiguous: "ambiguous", drop: "dropped" };

/** @template {HTMLElement} T @param {string} id @param {new () => T} kind @returns {T} */
function the(id, kind) {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`the page has no ${id}`);
  return found;
}

/** @type {Data} */
const shown = JSON.parse(the("data", HTMLElement).textContent ?? "");
const store = new Store(() => window.localStorage);
const ENDED = `label-audit:${shown.run}:ended`; // whether this blind review was ended, which fixes its decisions
const sealed = shown.blind && !store.read(ENDED);
const data = sealed ? closedData(shown) : shown.blind ? unsealed() : shown;
const names = data.class_names;
const keys = keysOf(names);
const { row: rows, id: ids, given, suggested, knot: knots, likely, kind: kinds } = data.cards;
const curve = data.curve && new ErrorCurve(data.curve);
const book = new Book(data, store);
const cards = [...document.querySelectorAll("#suspects .card")].map((card) => /** @type {HTMLElement} */ (card));
const [extras, sheet, stopLabel, left] = ["extras", "sheet", "stop", "left"].map((id) => the(id, HTMLElement));
const [review, tools, filterBox, activeBox, columns, grid, panel, look, subject, choices, end, second] =
  ["review", "tools", "filters", "active", "columns", "cards", "panel", "look", "subject", "choices", "end", "second"]
    .map((id) => the(id, HTMLElement));
const [note, reviewer, hide, find, classFind, file, keysOn, stopBelow, size, above] =
  ["note", "reviewer", "hide", "find", "class-find", "file", "keys-on", "stop-below", "size", "above"].map((id) => the(id, HTMLInputElement));
const [givenTool, suggestedTool, kindTool, sort] = ["given", "suggested", "kind", "sort"].map((id) => the(`tool-${id}`, HTMLSelectElement));
const [helpDialog, pickDialog, togetherDialog, largeDialog] =
  ["help", "pick", "together-dialog", "large"].map((id) => the(id, HTMLDialogElement));
const hasGuidelines = document.getElementById("guidelines") !== null;
const menu = the("menu", HTMLDetailsElement);
const stacked = matchMedia("(max-width: 860px), (max-height: 520px)"); // the desk stands above the cards

const decisionOf = (/** @type {number} */ i) => book.decisions.get(rows[i]);
const hides = (/** @type {number} */ i) => sealed || (hide.checked && !decisionOf(i));
const number = (/** @type {number} */ x) => Math.round(x).toLocaleString("en");
const counted = (/** @type {number} */ x, /** @type {string} */ thing) => `${number(x)} ${thing}${x === 1 ? "" : "s"}`;
const chance = (/** @type {number} */ i) => cards[i].querySelector(".p")?.textContent?.replace(/\s/g, " ") ?? "";
const say = (/** @type {string} */ text) => fill(panel, "#said", text);
const warn = (/** @type {string} */ text) => fill(review, "#warning", text);

/** A text that no other turns round, such as an id from right to left within a sentence. @param {string} text */
const isolated = (text) => `\u2068${text}\u2069`;
const spokenId = (/** @type {number} */ i) => isolated(`#${ids[i]}`);

/** @param {ParentNode} parent @param {string} selector @param {string} text */
function fill(parent, selector, text) {
  const found = parent.querySelector(selector);
  if (found) found.textContent = text;
}

/** Open what the blind review hid: put the whole cards in the place of the others. The template has made both. */
function unsealed() {
  const sealedCards = JSON.parse(atob(the("sealed", HTMLElement).textContent ?? ""));
  const whole = document.createElement("template");
  whole.innerHTML = sealedCards.cards;
  const fresh = [...whole.content.children];
  document.querySelectorAll("#suspects .card").forEach((card, i) => card.replaceWith(fresh[i]));
  return openData(shown, sealedCards);
}

/** A new element with a text. @param {string} tag @param {string} text @param {string} [kind] */
function made(tag, text, kind = "") {
  const element = document.createElement(tag);
  [element.textContent, element.className] = [text, kind];
  return element;
}
