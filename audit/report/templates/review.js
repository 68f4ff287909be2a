// The review panel, and the filters and the order of the cards, which are in the page already. `decisions.js`
// comes before this file in the same script. No key causes work in proportion to the layout of the page.

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

// ---- The grid: filters, order, how far it is shown
/** @param {number} i */
function matches(i) {
  const action = decisionOf(i)?.action ?? "open";
  return (show === "all" || show === action || (show === "decided" && action !== "open"))
    && (givenTool.value === "" || given[i] === Number(givenTool.value))
    && (suggestedTool.value === "" || suggested[i] === Number(suggestedTool.value))
    && (kindTool.value === "" || kinds[i] === Number(kindTool.value))
    && wordsOf[i].includes(find.value.trim().toLowerCase());
}

/** Show the cards that the filters leave; a decision alone never moves a card. */
function refilter() {
  const all = cards.map((_, i) => i);
  const natural = new Intl.Collator("en", { numeric: true });
  if (sort.value === "pair") all.sort((a, b) => given[a] - given[b] || suggested[a] - suggested[b] || a - b);
  if (sort.value === "kind") all.sort((a, b) => kinds[a] - kinds[b] || a - b);
  if (sort.value === "sample") all.sort((a, b) => drawn[a] - drawn[b] || a - b);
  if (sort.value === "id") all.sort((a, b) => natural.compare(ids[a], ids[b]));
  if (sort.value !== sorted) grid.append(...all.map((i) => cards[i]));
  sorted = sort.value;
  order = all.filter(matches);
  place.fill(-1);
  order.forEach((i, at) => { place[i] = at; });
  limit = 0;
  for (const card of cards) card.hidden = true;
  showUpTo(MORE);
  the("none", HTMLElement).hidden = order.length > 0;
  for (const i of [...marked]) if (place[i] < 0) mark(i, false);
  select(place[current] >= 0 && place[current] < limit ? current : order.find((i) => !decisionOf(i)) ?? order[0] ?? -1);
  summarise();
}

/** @param {number} count */
function showUpTo(count) {
  for (; limit < Math.min(order.length, count); limit++) cards[order[limit]].hidden = false;
  const more = the("more", HTMLButtonElement);
  more.hidden = limit >= order.length;
  more.textContent = `Show ${number(Math.min(MORE, order.length - limit))} more of ${number(order.length - limit)}`;
}

// ---- The current card
/** @param {number} i */
function select(i) {
  cards[current]?.removeAttribute("aria-current");
  cards[current]?.setAttribute("tabindex", "-1");
  current = i;
  showUpTo((place[i] ?? 0) + AHEAD);
  cards[i]?.setAttribute("aria-current", "true");
  cards[i]?.setAttribute("tabindex", "0");
  drawPanel();
}

/** Whether a person sees what a key would decide, and not only its edge. */
function panelInView() {
  const { top, bottom } = panel.getBoundingClientRect();
  return bottom > 150 && top < innerHeight - 150;
}

/** Make a card the current one and bring it into view. @param {number} i */
function go(i) {
  select(i);
  if (i < 0) return;
  if (!panelInView()) columns.scrollIntoView({ behavior: "instant" });
  cards[i].focus({ preventScroll: true });
  cards[i].scrollIntoView({ block: "nearest", behavior: "instant" });
}

/** @param {number} by */
function step(by) {
  const to = order[Math.max(0, Math.min(order.length - 1, place[current] + by))];
  go(panelInView() ? to ?? current : current);
}

/** @param {number} i @param {boolean} on */
function mark(i, on) {
  if (on) marked.add(i);
  else marked.delete(i);
  cards[i].classList.toggle("marked", on);
  the("marks", HTMLElement).hidden = !marked.size;
  fill(panel, "#marks-count", `${number(marked.size)} selected. The next decision applies to all of them.`);
}

const unmark = () => [...marked].forEach((i) => mark(i, false));

function drawPanel() {
  panel.classList.toggle("empty", current < 0);
  if (current < 0) return;
  const [i, made] = [current, decisionOf(current)];
  panel.classList.toggle("decided", Boolean(made));
  look.replaceChildren(...[...(cards[i].querySelector(".look")?.children ?? [])].map((each) => each.cloneNode(true)));
  fill(panel, ".labels s", names[given[i]]);
  fill(panel, ".labels b", names[suggested[i]]);
  fill(panel, ".labels .p", `${cards[i].querySelector(".p")?.textContent} p_error`);
  const said = [".kind b", ".why"].map((part) => cards[i].querySelector(part)?.textContent);
  fill(panel, ".why", said.filter(Boolean).join(": "));
  fill(panel, ".votes", cards[i].querySelector(".votes")?.textContent ?? "");
  fill(panel, ".verdict", verdict(made));
  fill(panel, ".id", `#${ids[i]}`);
  fill(panel, ".at", `${number(place[i] + 1)} of ${number(order.length)}`);
  fill(panel, '[data-act="keep"] span', `Keep ${names[given[i]]}`);
  fill(panel, '[data-act="accept"] span', hides(i) ? "Change as suggested" : `Change to ${names[suggested[i]]}`);
  const others = cellOf(i).length;
  the("same", HTMLButtonElement).hidden = hides(i) || others < 2;
  fill(panel, "#same", `Decide all ${number(others)} of ${names[given[i]]} → ${names[suggested[i]]} …`);
  note.value = notes.get(i) ?? made?.note ?? "";
  drawChoices(i);
}

/** The classes to choose from, with what the models think of them behind each. @param {number} i */
function drawChoices(i) {
  const likelihood = new Map(hides(i) ? [] : likely[i]);
  const shown = keys.length ? names.map((_, label) => label) : [...likelihood.keys()];
  while (choices.children.length > shown.length) choices.lastChild?.remove();
  while (choices.children.length < shown.length) choices.append(the("choice", HTMLTemplateElement).content.cloneNode(true));
  shown.forEach((label, at) => {
    const button = /** @type {HTMLButtonElement} */ (choices.children[at]);
    button.value = String(label);
    button.title = names[label];
    fill(button, "kbd", keys[label] === names[label] ? "" : keys[label] ?? String(at + 1));
    fill(button, "span", names[label]);
    button.style.setProperty("--share", `${likelihood.get(label) ?? 0}%`);
    button.classList.toggle("given", label === given[i]);
    button.classList.toggle("suggested", label === suggested[i] && !hides(i));
  });
}

// ---- Deciding
/** What was decided, with its sign or as a sentence. @param {Decision | undefined} made @param {boolean} [spoken] */
function verdict(made, spoken = false) {
  if (!made) return spoken ? "undecided" : "";
  const words = made.action === "relabel" && !spoken ? "" : WORDS[made.action];
  return [spoken ? "" : SIGNS[made.action], words, made.label ?? ""].filter(Boolean).join(" ");
}

/** @param {number} i @param {Action | "accept"} action @param {number} [label] @returns {Decision} */
function decision(i, action, label) {
  const to = action === "accept" ? suggested[i] : action === "relabel" ? label ?? given[i] : given[i];
  const does = action === "accept" || action === "relabel" ? (to === given[i] ? "keep" : "relabel") : action;
  return {
    id: ids[i], row: rows[i], given: names[given[i]], suggested: names[suggested[i]], action: does,
    label: does === "relabel" ? names[to] : null,
    note: notes.get(i) ?? decisionOf(i)?.note ?? "", time: new Date().toISOString(),
  };
}

/** @param {Action | "accept"} action @param {number} [label] */
function decide(action, label) {
  if (current < 0) return;
  if (!panelInView()) {
    go(current);
    return say("Keys now apply to this card. Press again.");
  }
  const targets = marked.size ? [...marked] : [current];
  if (action === "accept" && targets.some(hides)) return say("The suggestion is hidden: choose a class.");
  unmark();
  commit(targets, action, label);
}

/** @param {number[]} targets @param {Action | "accept"} action @param {number} [label] */
function commit(targets, action, label) {
  book.decide(targets.map((i) => decision(i, action, label)));
  targets.forEach(paint);
  const last = Math.max(...targets.map((i) => place[i]));
  const next = order.find((i, at) => at > last && !decisionOf(i)) ?? order.find((i) => !decisionOf(i));
  const one = `#${ids[targets[0]]}: ${verdict(decisionOf(targets[0]), true)}.`;
  const then = next === undefined ? "All cards here are decided." : `Next is #${ids[next]}.`;
  go(next ?? current);
  summarise();
  say(`${targets.length > 1 ? `${number(targets.length)} cards are decided.` : one} ${then}`);
}

function undo() {
  const cardsUndone = book.undo().flatMap((row) => book.places.get(row) ?? []);
  cardsUndone.forEach(paint);
  summarise();
  if (!cardsUndone.length) return say("There is nothing to undo.");
  go(place[cardsUndone[0]] >= 0 ? cardsUndone[0] : current);
  say(`Undone: ${cardsUndone.length > 1 ? `${number(cardsUndone.length)} cards` : `#${ids[cardsUndone[0]]}`}.`);
}

/** Show on a card what was decided of it; nothing for one that is not on the page. @param {number} i */
function paint(i) {
  if (i < 0) return;
  const text = verdict(decisionOf(i));
  cards[i].classList.toggle("decided", Boolean(text));
  const badge = cards[i].querySelector(".verdict") ?? cards[i].appendChild(document.createElement("p"));
  badge.className = "verdict";
  badge.textContent = text;
}

/** The counts of the head and the filters, and what is still to be expected. */
function summarise() {
  /** @type {Record<string, number>} */
  const counts = { all: cards.length, open: 0, decided: 0, keep: 0, relabel: 0, ambiguous: 0, drop: 0 };
  for (let i = 0; i < cards.length; i++) {
    const action = decisionOf(i)?.action;
    if (!action) counts.open++;
    if (action) [counts.decided, counts[action]] = [counts.decided + 1, counts[action] + 1];
  }
  for (const [name, count] of Object.entries(counts)) {
    review.querySelector(`[data-show=${name}]`)?.setAttribute("aria-pressed", String(name === show));
    fill(review, `[data-show=${name}] b`, number(count));
  }
  the("progress", HTMLProgressElement).value = counts.decided;
  the("reviewed", HTMLElement).textContent = `${number(counts.decided)} of ${number(cards.length)} reviewed`;
  fill(panel, "#left", outlook(counts.open));
  if (book.refused) warn("This browser keeps no decisions for this page. Export them before you leave.");
}

/** What decisions so far say of the errors that are left. @param {number} open */
function outlook(open) {
  if (data.blind || !curve) return open ? `${number(open)} left.` : "Everything here is decided.";
  const undecided = cards.flatMap((_, i) => (decisionOf(i) ? [] : [knots[i]]));
  curve.learn(cards.flatMap((_, i) => told(i)));
  for (const tile of document.querySelectorAll("[data-first]")) {
    const first = Number(tile.getAttribute("data-first"));
    const known = cards.filter((_, i) => i < first && told(i)[0]?.wrong).length;
    const still = cards.flatMap((_, i) => (i < first && !decisionOf(i) ? [knots[i]] : []));
    const { value, low, high } = curve.expected(still, first > cards.length);
    fill(/** @type {HTMLElement} */ (tile), "span", number(known + value));
    fill(/** @type {HTMLElement} */ (tile), "small", `${number(known + low)} to ${number(known + high)}`);
  }
  if (!open) return "Everything here is decided.";
  const [left, soon] = [curve.expected(undecided, false), curve.expected(undecided.slice(0, NEXT), false)];
  const text = (/** @type {Expected} */ { value, low, high }) => `${number(value)} (${number(low)} to ${number(high)})`;
  const whole = `About ${text(left)} errors are expected in the ${number(open)} left, and ${text(soon)} in the next ${Math.min(NEXT, open)}`;
  return `${whole}${soon.value < Number(stopBelow.value) ? ": a reasonable place to stop." : "."}`;
}

/** What a decision says of the curve; an ambiguous row has no right label. @param {number} i @returns {Told[]} */
function told(i) {
  const action = decisionOf(i)?.action;
  return !action || action === "ambiguous" ? [] : [{ knot: knots[i], wrong: action !== "keep" }];
}

// ---- Dialogs
/** The undecided cards with the same given and the same suggested class. @param {number} i */
function cellOf(i) {
  const same = (/** @type {number} */ j) => given[j] === given[i] && suggested[j] === suggested[i];
  return cards.flatMap((_, j) => (same(j) && !decisionOf(j) ? [j] : []));
}

function askCell() {
  const touched = cellOf(current);
  const [from, to] = [names[given[current]], names[suggested[current]]];
  fill(cellDialog, "h2", `${number(touched.length)} undecided of ${from} → ${to}`);
  fill(cellDialog, '[value="keep"]', `Keep all as ${from}`);
  fill(cellDialog, '[value="accept"]', `Change all to ${to}`);
  cellDialog.querySelector("ul")?.replaceChildren(...touched.slice(0, MOST_PREVIEWS).map((i) => {
    const [item, id] = [document.createElement("li"), document.createElement("p")];
    id.textContent = `#${ids[i]}`;
    item.append(...[cards[i].querySelector(".look > .thumb")?.cloneNode(true) ?? ""], id);
    return item;
  }));
  fill(cellDialog, ".note", touched.length > MOST_PREVIEWS ? `The first ${MOST_PREVIEWS} are shown.` : "");
  ask(cellDialog, (answer) => answer && commit(touched, /** @type {Action | "accept"} */ (answer)));
}

/** @param {HTMLDialogElement} dialog @param {(answer: string) => unknown} [then] */
function ask(dialog, then) {
  dialog.onsubmit = ({ submitter }) => { // the close event would come after the next key
    dialog.close();
    then?.(submitter?.getAttribute("value") ?? "");
  };
  dialog.showModal();
}

function askClass() {
  classFind.value = "";
  listClasses();
  ask(pickDialog, (answer) => answer && decide("relabel", Number(answer)));
}

function listClasses() {
  const text = classFind.value.trim().toLowerCase();
  the("class-list", HTMLElement).replaceChildren(...names.map((name, label) => {
    const button = document.createElement("button");
    [button.value, button.textContent] = [String(label), name];
    return button;
  }).filter((button) => button.textContent?.toLowerCase().includes(text)));
}

// ---- Files
function exportFile() {
  const content = book.file(reviewer.value.trim());
  const link = document.createElement("a");
  const who = content.reviewer.replace(/[^\p{L}\p{N}]+/gu, "-");
  link.download = who ? `decisions-${who}.json` : "decisions.json";
  link.href = URL.createObjectURL(new Blob([JSON.stringify(content, null, 1)], { type: "application/json" }));
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  book.unsaved = false;
  say(`Exported ${number(content.decisions.length)} decisions as ${link.download}.`);
}

/** @param {File} chosen */
async function importFile(chosen) {
  const content = await chosen.text().then(JSON.parse).catch(() => null);
  const problem = problemOf(content, data, book.places);
  if (problem) return warn(`${chosen.name} was not imported: ${problem}.`);
  const [fresh, later] = book.merge(content.decisions);
  warn("");
  content.decisions.forEach((/** @type {Decision} */ { row }) => paint(book.places.get(row) ?? -1));
  refilter();
  const counts = [fresh, later, content.decisions.length - fresh - later].map(number);
  say(`${chosen.name}: ${counts[0]} new, ${counts[1]} newer than yours, ${counts[2]} skipped.`);
}

// ---- What keys and buttons do
/** @type {Record<string, () => void>} */
const acts = {
  keep: () => decide("keep"), accept: () => decide("accept"), ambiguous: () => decide("ambiguous"),
  drop: () => decide("drop"), undo, next: () => step(1), previous: () => step(-1), pick: askClass, cell: askCell,
  mark: () => mark(current, !marked.has(current)), unmark, more: () => showUpTo(limit + MORE), note: () => note.focus(),
  help: () => ask(helpDialog), export: exportFile, import: () => { file.value = ""; file.click(); },
};
/** @type {Record<string, string>} */
const actOf = { Enter: "keep", y: "accept", a: "ambiguous", x: "drop", u: "undo", j: "next", k: "previous",
  "/": "pick", r: "pick", v: "mark", n: "note", Escape: "unmark", "?": "help" };

document.addEventListener("keydown", (event) => {
  const target = /** @type {HTMLElement} */ (event.target);
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (target === note && event.key === "Enter") return note.blur(), go(current);
  if (event.key === "Escape" && target.closest("input")) return target.blur();
  if (target.closest("input:not([type=checkbox]), select") || !keysOn.checked) return;
  if (event.key === "Enter" && target.closest("button, a, summary, input")) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const choice = keys.length ? keys.indexOf(key) : Number(key) - 1;
  const label = choice >= 0 ? choices.children[choice]?.getAttribute("value") : null;
  if (key.startsWith("Arrow") && review.contains(target)) {
    const line = getComputedStyle(grid).gridTemplateColumns.split(" ").length;
    step({ ArrowRight: 1, ArrowLeft: -1, ArrowDown: line, ArrowUp: -line }[key] ?? 0);
  } else if (actOf[key]) acts[actOf[key]]();
  else if (label) decide("relabel", Number(label));
  else return;
  event.preventDefault();
});

document.addEventListener("click", (event) => {
  const target = /** @type {HTMLElement} */ (event.target);
  const button = target.closest("button");
  const card = target.closest("#cards .card");
  const filter = button && filters.get(button);
  if (button?.dataset.show) {
    show = button.dataset.show;
    refilter();
  } else if (filter) {
    [givenTool.value, suggestedTool.value, kindTool.value] = filter;
    refilter();
    review.scrollIntoView();
    say(`${number(order.length)} cards match.`);
  } else if (button?.dataset.act === "relabel") decide("relabel", Number(button.value));
  else if (button?.dataset.act) acts[button.dataset.act]();
  else if (card instanceof HTMLElement) {
    const i = cards.indexOf(card);
    const [from, to] = [place[current], place[i]].sort((a, b) => a - b);
    if (event.shiftKey) getSelection()?.removeAllRanges();
    if (event.shiftKey) order.slice(from, to + 1).forEach((each) => mark(each, true));
    if (event.ctrlKey || event.metaKey) mark(i, !marked.has(i));
    go(i);
  }
  // Enter would press a clicked button again instead of keeping the card.
  const pressed = button && panel.contains(button) && document.activeElement === button;
  if (pressed && event.detail) cards[current]?.focus({ preventScroll: true });
});

stopBelow.addEventListener("input", summarise);
for (const tool of [givenTool, suggestedTool, kindTool, sort, find]) tool.addEventListener("input", refilter);
classFind.addEventListener("input", listClasses);
note.addEventListener("input", () => notes.set(current, note.value));
note.addEventListener("change", () => {
  const decided = decisionOf(current);
  if (decided) book.decide([{ ...decided, note: note.value, time: new Date().toISOString() }]);
});
hide.addEventListener("change", () => { document.body.classList.toggle("blind", hide.checked); drawPanel(); });
reviewer.addEventListener("change", () => book.keep("label-audit:reviewer", reviewer.value));
file.addEventListener("change", () => file.files?.[0] && importFile(file.files[0]));
window.addEventListener("storage", (event) => {
  const i = book.places.get(book.hear(event.key, event.newValue) ?? -1);
  if (i === undefined) return;
  paint(i);
  summarise();
  if (i === current) drawPanel();
  say(`#${ids[i]} was decided in another tab: ${verdict(decisionOf(i), true)}.`);
});
window.addEventListener("beforeunload", (event) => { if (book.unsaved) event.preventDefault(); });

// ---- Start
for (const element of document.querySelectorAll("[data-given], [data-kind]")) {
  const { given: from = "", suggested: to = "", kind = "" } = /** @type {HTMLElement} */ (element).dataset;
  if (data.blind && to) continue;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "plain";
  filters.set(button, [from, to, kind]);
  button.append(...element.childNodes);
  button.title = kind ? "Show these suspects" : `Show the suspects of ${names[Number(from)]}${to && ` → ${names[Number(to)]}`}`;
  element.append(button);
}
for (const [number, name] of Object.entries(data.kinds)) kindTool.add(new Option(name, number));
names.forEach((name, label) => [givenTool, suggestedTool].forEach((tool) => tool.add(new Option(name, String(label)))));
grid.append(...cards);
document.body.classList.add("live");
reviewer.value = book.storage?.getItem("label-audit:reviewer") ?? "";
for (const row of book.decisions.keys()) paint(book.places.get(row) ?? -1);
if (data.sample_first) sort.value = "sample";
refilter();
