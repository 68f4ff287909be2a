// The review station: the cards stand in the page, this makes them a desk to decide at. `decisions.js` comes
// before it in the same script. Nothing done for a key is proportional to the layout of the page.

const MORE = 48; // cards that are shown at a time
const STOP = 5; // errors expected in the next NEXT cards below which a review may well end
const NEXT = 50;
const MOST_PREVIEWS = 60;
const VERDICTS = { keep: "✓ kept", relabel: "→", ambiguous: "? ambiguous", drop: "× dropped" };

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
const { row: rows, id: ids, given, suggested, p_error, likely } = data.cards;
const book = new Book(data, () => window.localStorage);
const cards = [...document.querySelectorAll("#suspects .card")].map((card) => /** @type {HTMLElement} */ (card));
const [station, bench, grid, desk, look] = ["station", "bench", "cards", "desk", "look"].map((id) => the(id, HTMLElement));
const note = the("note", HTMLInputElement);
const reviewer = the("reviewer", HTMLInputElement);
const hide = the("hide", HTMLInputElement);
const tools = { given: the("given", HTMLSelectElement), suggested: the("suggested", HTMLSelectElement),
  sort: the("sort", HTMLSelectElement), find: the("find", HTMLInputElement) };
const dialogs = { help: the("help", HTMLDialogElement), pick: the("pick", HTMLDialogElement),
  cell: the("cell", HTMLDialogElement) };

let show = "all"; // which decisions the grid shows
let sorted = "page"; // how the cards stand in the document
let order = cards.map((_, i) => i); // the cards that the filters leave, in their order
let place = order.slice(); // of each card in it, -1 for none
let limit = 0; // how many of them are shown
let current = -1;
/** @type {Set<number>} */
const marked = new Set();

const decisionOf = (/** @type {number} */ i) => book.decisions.get(rows[i]);
const hides = (/** @type {number} */ i) => hide.checked && !decisionOf(i);
const number = (/** @type {number} */ x) => Math.round(x).toLocaleString("en");

/** @param {string} text */
function say(text) {
  the("said", HTMLElement).textContent = text;
}

/** @param {string} text */
function warn(text) {
  const line = the("warning", HTMLElement);
  line.textContent = text;
  line.hidden = !text;
}

// ---- The grid: filters, order, how far it is shown

/** @param {number} i */
function matches(i) {
  const decision = decisionOf(i);
  const shown = show === "all" || (show === "open" ? !decision : show === "decided" ? decision : decision?.action === show);
  return shown
    && (tools.given.value === "" || given[i] === Number(tools.given.value))
    && (tools.suggested.value === "" || suggested[i] === Number(tools.suggested.value))
    && ids[i].toLowerCase().includes(tools.find.value.trim().toLowerCase());
}

/** Show the cards that the filters leave; a decision alone never moves a card. */
function refilter() {
  const all = cards.map((_, i) => i);
  const natural = new Intl.Collator("en", { numeric: true });
  if (tools.sort.value === "pair") all.sort((a, b) => given[a] - given[b] || suggested[a] - suggested[b] || a - b);
  if (tools.sort.value === "id") all.sort((a, b) => natural.compare(ids[a], ids[b]));
  if (tools.sort.value !== sorted) grid.append(...all.map((i) => cards[i]));
  sorted = tools.sort.value;
  order = all.filter(matches);
  place.fill(-1);
  order.forEach((i, at) => { place[i] = at; });
  limit = 0;
  for (const card of cards) card.hidden = true;
  showUpTo(MORE);
  the("none", HTMLElement).hidden = order.length > 0;
  for (const i of [...marked]) if (place[i] < 0) mark(i, false);
  select(current >= 0 && place[current] >= 0 ? current : order.find((i) => !decisionOf(i)) ?? order[0] ?? -1);
  summarise();
}

/** @param {number} count */
function showUpTo(count) {
  const end = Math.min(order.length, Math.ceil(count / MORE) * MORE);
  for (; limit < end; limit++) cards[order[limit]].hidden = false;
  const more = the("more", HTMLButtonElement);
  more.hidden = limit >= order.length;
  more.textContent = `Show ${number(Math.min(MORE, order.length - limit))} more of ${number(order.length - limit)}`;
}

/** @param {string} givenClass @param {string} suggestedClass */
function filterBy(givenClass, suggestedClass) {
  tools.given.value = givenClass;
  tools.suggested.value = data.blind ? "" : suggestedClass;
  refilter();
  station.scrollIntoView();
  say(`${number(order.length)} cards match.`);
}

// ---- The current card

/** @param {number} i */
function select(i) {
  if (current >= 0) {
    cards[current].removeAttribute("aria-current");
    cards[current].tabIndex = -1;
  }
  current = i;
  if (i >= 0) {
    if (place[i] >= limit) showUpTo(place[i] + 1);
    cards[i].setAttribute("aria-current", "true");
    cards[i].tabIndex = 0;
  }
  drawDesk();
}

/** Make a card the current one and bring it into view. @param {number} i */
function go(i) {
  select(i);
  if (i < 0) return;
  if (!deskInView()) bench.scrollIntoView({ behavior: "instant" });
  cards[i].focus({ preventScroll: true });
  cards[i].scrollIntoView({ block: "nearest", behavior: "instant" });
}

/** @param {number} by */
function step(by) {
  if (current < 0 || !deskInView()) return go(current);
  go(order[Math.max(0, Math.min(order.length - 1, place[current] + by))]);
}

/** Whether a person sees what a key would decide. */
function deskInView() {
  const { top, bottom } = desk.getBoundingClientRect();
  return bottom > 0 && top < window.innerHeight;
}

/** @param {number} i @param {boolean} on */
function mark(i, on) {
  if (on) marked.add(i);
  else marked.delete(i);
  cards[i].classList.toggle("marked", on);
  the("marks", HTMLElement).hidden = !marked.size;
  the("marks-count", HTMLElement).textContent = `${number(marked.size)} selected: the next decision is for all of them.`;
}

function unmark() {
  for (const i of [...marked]) mark(i, false);
}

/** @param {HTMLElement} parent @param {string} selector @param {string} text */
function fill(parent, selector, text) {
  const found = parent.querySelector(selector);
  if (found) found.textContent = text;
}

function drawDesk() {
  desk.classList.toggle("empty", current < 0);
  if (current < 0) return;
  const [i, decision] = [current, decisionOf(current)];
  desk.classList.toggle("decided", Boolean(decision));
  look.replaceChildren(...[...(cards[i].querySelector(".look")?.children ?? [])].map((each) => each.cloneNode(true)));
  fill(desk, ".labels s", names[given[i]]);
  fill(desk, ".labels b", names[suggested[i]]);
  fill(desk, ".labels .p", `${cards[i].querySelector(".p")?.textContent} p_error`);
  fill(desk, ".verdict", verdict(decision));
  fill(desk, ".id", `#${ids[i]}`);
  fill(desk, ".at", `${number(place[i] + 1)} of ${number(order.length)}`);
  fill(desk, '[data-act="keep"] span', `Keep ${names[given[i]]}`);
  fill(desk, '[data-act="accept"] span', hides(i) ? "Change as suggested" : `Change to ${names[suggested[i]]}`);
  const others = cellOf(i).length;
  const cell = the("same", HTMLButtonElement);
  cell.hidden = hides(i) || others < 2;
  cell.textContent = `Decide all ${number(others)} of ${names[given[i]]} → ${names[suggested[i]]} …`;
  note.value = decision?.note ?? "";
  drawChoices(i);
}

/** The classes to choose from, with what the models think of them behind each. @param {number} i */
function drawChoices(i) {
  const likelihood = new Map(hides(i) ? [] : likely[i]);
  const shown = keys.length ? names.map((_, label) => label) : [...likelihood.keys()];
  const choices = the("choices", HTMLElement);
  while (choices.children.length > shown.length) choices.lastChild?.remove();
  while (choices.children.length < shown.length) choices.append(choiceButton());
  shown.forEach((label, at) => {
    const button = /** @type {HTMLButtonElement} */ (choices.children[at]);
    const key = keys[label] ?? "";
    button.value = String(label);
    button.title = names[label];
    fill(button, "kbd", key === names[label] ? "" : key);
    fill(button, "span", names[label]);
    button.style.setProperty("--share", `${likelihood.get(label) ?? 0}%`);
    button.classList.toggle("given", label === given[i]);
    button.classList.toggle("suggested", label === suggested[i] && !hides(i));
  });
}

function choiceButton() {
  const button = document.createElement("button");
  button.type = "button";
  button.dataset.act = "relabel";
  button.append(document.createElement("kbd"), document.createElement("span"));
  return button;
}

// ---- Deciding

/** @param {Decision | undefined} decision */
function verdict(decision) {
  return decision ? `${VERDICTS[decision.action]} ${decision.action === "relabel" ? decision.label : ""}`.trim() : "";
}

/** @param {number} i @param {Action | "accept"} action @param {number} [label] @returns {Decision} */
function decision(i, action, label) {
  const to = action === "accept" ? suggested[i] : action === "relabel" ? label ?? given[i] : given[i];
  const does = action === "accept" || action === "relabel" ? (to === given[i] ? "keep" : "relabel") : action;
  return {
    id: ids[i], row: rows[i], given: names[given[i]], suggested: names[suggested[i]], action: does,
    label: does === "relabel" ? names[to] : null,
    note: i === current ? note.value : decisionOf(i)?.note ?? "", time: new Date().toISOString(),
  };
}

/** @param {Action | "accept"} action @param {number} [label] */
function decide(action, label) {
  if (current < 0) return;
  if (!deskInView()) {
    go(current);
    return say("The keys decide on this card. Press again.");
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
  const what = verdict(decisionOf(targets[0]));
  const whom = targets.length > 1 ? `${number(targets.length)} cards` : `#${ids[targets[0]]}`;
  go(next ?? current);
  summarise();
  say(`${whom}: ${what}. ${next === undefined ? "All cards here are decided." : `Next is #${ids[next]}.`}`);
}

function undo() {
  const cardsUndone = book.undo().flatMap((row) => book.places.get(row) ?? []);
  cardsUndone.forEach(paint);
  summarise();
  if (!cardsUndone.length) return say("There is nothing to undo.");
  if (place[cardsUndone[0]] >= 0) go(cardsUndone[0]);
  else drawDesk();
  say(`Undone: ${cardsUndone.length > 1 ? `${number(cardsUndone.length)} cards` : `#${ids[cardsUndone[0]]}`}.`);
}

/** Show on a card what was decided of it. @param {number} i */
function paint(i) {
  const text = verdict(decisionOf(i));
  cards[i].classList.toggle("decided", Boolean(text));
  let badge = cards[i].querySelector(".verdict");
  if (!badge && text) cards[i].append((badge = document.createElement("p")));
  if (badge) [badge.className, badge.textContent] = ["verdict", text];
}

/** The counts of the head and the filters, and what is still to be expected. */
function summarise() {
  /** @type {Record<string, number>} */
  const counts = { all: cards.length, open: 0, decided: 0, keep: 0, relabel: 0, ambiguous: 0, drop: 0 };
  let [left, soon] = [0, 0];
  for (let i = 0; i < cards.length; i++) {
    const action = decisionOf(i)?.action;
    if (!action && counts.open++ < NEXT) soon += p_error[i];
    if (!action) left += p_error[i];
    if (action) [counts.decided, counts[action]] = [counts.decided + 1, counts[action] + 1];
  }
  for (const button of document.querySelectorAll("[data-show]")) {
    const name = /** @type {HTMLElement} */ (button).dataset.show ?? "";
    button.setAttribute("aria-pressed", String(name === show));
    fill(/** @type {HTMLElement} */ (button), "b", number(counts[name]));
  }
  the("progress", HTMLProgressElement).value = counts.decided;
  the("reviewed", HTMLElement).textContent = `${number(counts.decided)} of ${number(cards.length)} reviewed`;
  the("left", HTMLElement).textContent = outlook(counts.open, left, soon);
  if (book.refused && book.decisions.size) {
    warn("This browser keeps no decisions for this page. Export them before you leave.");
  }
}

/** @param {number} open @param {number} left @param {number} soon */
function outlook(open, left, soon) {
  if (!open) return "Everything here is decided.";
  if (data.blind) return `${number(open)} left.`;
  const [low, high] = data.spread.map((share) => number(Math.min(open, share * left)));
  const next = Math.min(NEXT, open);
  const whole = `About ${number(left)} (${low} to ${high}) errors to expect in the ${number(open)} left; `;
  return whole + (soon < STOP ? `the next ${next} should hold fewer than ${Math.floor(soon) + 1}: a fair place to stop.`
    : `in the next ${next}, ${number(soon)}.`);
}

// ---- Dialogs

/** The undecided cards with the same given and the same suggested class. @param {number} i */
function cellOf(i) {
  return order.length ? cards.flatMap((_, j) => (given[j] === given[i] && suggested[j] === suggested[i] && !decisionOf(j) ? [j] : [])) : [];
}

function askCell() {
  const touched = cellOf(current);
  const [from, to] = [names[given[current]], names[suggested[current]]];
  fill(dialogs.cell, "h2", `${number(touched.length)} undecided of ${from} → ${to}`);
  fill(dialogs.cell, '[value="keep"]', `Keep all as ${from}`);
  fill(dialogs.cell, '[value="relabel"]', `Change all to ${to}`);
  dialogs.cell.querySelector("ul")?.replaceChildren(...touched.slice(0, MOST_PREVIEWS).map((i) => {
    const [item, id] = [document.createElement("li"), document.createElement("p")];
    id.textContent = `#${ids[i]}`;
    item.append(...[cards[i].querySelector(".look > .thumb")?.cloneNode(true) ?? ""], id);
    return item;
  }));
  const beyond = touched.length - MOST_PREVIEWS;
  fill(dialogs.cell, ".note", beyond > 0 ? `and ${number(beyond)} more` : "");
  ask(dialogs.cell, (answer) => {
    if (answer === "relabel") commit(touched, "accept");
    else if (ACTIONS.includes(answer)) commit(touched, /** @type {Action} */ (answer));
  });
}

/** @param {HTMLDialogElement} dialog @param {(answer: string) => void} [then] */
function ask(dialog, then) {
  dialog.returnValue = "";
  dialog.addEventListener("close", () => then?.(dialog.returnValue), { once: true });
  dialog.showModal();
}

function askClass() {
  const find = the("class-find", HTMLInputElement);
  find.value = "";
  listClasses();
  ask(dialogs.pick, (answer) => answer && decide("relabel", Number(answer)));
}

function listClasses() {
  const text = the("class-find", HTMLInputElement).value.trim().toLowerCase();
  const found = names.flatMap((name, label) => (name.toLowerCase().includes(text) ? [label] : []));
  the("class-list", HTMLElement).replaceChildren(...found.map((label) => {
    const button = document.createElement("button");
    [button.value, button.textContent] = [String(label), names[label]];
    return button;
  }));
}

// ---- Files

function exportFile() {
  const file = book.file(reviewer.value.trim());
  const link = document.createElement("a");
  const who = file.reviewer.replace(/[^\p{L}\p{N}]+/gu, "-");
  link.download = who ? `decisions-${who}.json` : "decisions.json";
  link.href = URL.createObjectURL(new Blob([JSON.stringify(file, null, 1)], { type: "application/json" }));
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  book.unsaved = false;
  say(`Exported ${number(file.decisions.length)} decisions as ${link.download}.`);
}

/** @param {File} file */
async function importFile(file) {
  let content;
  try {
    content = JSON.parse(await file.text());
  } catch {
    return warn(`${file.name} was not imported: it is no JSON.`);
  }
  const problem = problemOf(content, data, book.places);
  if (problem) return warn(`${file.name} was not imported: ${problem}.`);
  const { fresh, later, earlier } = book.merge(content);
  warn("");
  cards.forEach((_, i) => paint(i));
  refilter();
  say(`Imported ${file.name}: ${number(fresh)} new, ${number(later)} later than yours, ${number(earlier)} earlier and left out.`);
}

// ---- What keys and buttons do

/** @type {Record<string, () => void>} */
const acts = {
  keep: () => decide("keep"), accept: () => decide("accept"), ambiguous: () => decide("ambiguous"),
  drop: () => decide("drop"), undo, next: () => step(1), previous: () => step(-1), pick: askClass, cell: askCell,
  mark: () => { mark(current, !marked.has(current)); }, unmark, more: () => showUpTo(limit + 1), note: () => note.focus(),
  help: () => ask(dialogs.help), export: exportFile, import: () => the("file", HTMLInputElement).click(),
  start: () => go(current),
};
/** @type {Record<string, string>} */
const actOf = { Enter: "keep", y: "accept", a: "ambiguous", x: "drop", u: "undo", j: "next", k: "previous", "/": "pick",
  r: "pick", v: "mark", n: "note", Escape: "unmark", "?": "help" };

document.addEventListener("keydown", (event) => {
  const target = /** @type {HTMLElement} */ (event.target);
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (target === note && (event.key === "Enter" || event.key === "Escape")) return go(current);
  if (target.closest("input:not([type=checkbox]), select") || !the("keys-on", HTMLInputElement).checked) return;
  if (event.key === "Enter" && target.closest("button, a, summary, input")) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const label = keys.indexOf(key);
  if (key.startsWith("Arrow") && station.contains(target)) {
    const line = getComputedStyle(grid).gridTemplateColumns.split(" ").length;
    step({ ArrowRight: 1, ArrowLeft: -1, ArrowDown: line, ArrowUp: -line }[key] ?? 0);
  } else if (actOf[key]) acts[actOf[key]]();
  else if (label >= 0) decide("relabel", label);
  else return;
  event.preventDefault();
});

document.addEventListener("click", (event) => {
  const target = /** @type {HTMLElement} */ (event.target);
  const button = target.closest("button");
  const card = target.closest("#cards .card");
  if (button?.dataset.show) {
    show = button.dataset.show;
    refilter();
  } else if (button?.dataset.filter) {
    const [from, to] = button.dataset.filter.split(",");
    filterBy(from, to);
  } else if (button?.dataset.act === "relabel") decide("relabel", Number(button.value));
  else if (button?.dataset.act) acts[button.dataset.act]();
  else if (card instanceof HTMLElement) {
    const i = cards.indexOf(card);
    const [from, to] = [place[current], place[i]].sort((a, b) => a - b);
    if (event.shiftKey) order.slice(from, to + 1).forEach((each) => mark(each, true));
    if (event.ctrlKey || event.metaKey) mark(i, !marked.has(i));
    go(i);
  }
  // Enter would press a clicked button again instead of keeping the card.
  if (button && desk.contains(button) && event.detail && document.activeElement === button) cards[current]?.focus({ preventScroll: true });
});

for (const tool of Object.values(tools)) tool.addEventListener("input", refilter);
the("class-find", HTMLInputElement).addEventListener("input", listClasses);
note.addEventListener("change", () => {
  const decided = decisionOf(current);
  if (decided) book.decide([{ ...decided, note: note.value, time: new Date().toISOString() }]);
});
hide.addEventListener("change", () => {
  document.body.classList.toggle("blind", hide.checked);
  drawDesk();
});
reviewer.addEventListener("change", () => {
  try {
    book.storage?.setItem("label-audit:reviewer", reviewer.value);
  } catch {
    // The name is in the export all the same.
  }
});
the("file", HTMLInputElement).addEventListener("change", (event) => {
  const input = /** @type {HTMLInputElement} */ (event.target);
  if (input.files?.[0]) importFile(input.files[0]);
  input.value = "";
});
window.addEventListener("storage", (event) => {
  const i = book.places.get(book.hear(event.key, event.newValue) ?? -1);
  if (i === undefined) return;
  paint(i);
  summarise();
  if (i === current) drawDesk();
  say(`#${ids[i]} was decided in another tab: ${verdict(decisionOf(i)) || "undone"}.`);
});
window.addEventListener("beforeunload", (event) => {
  if (book.unsaved) event.preventDefault();
});

// ---- Start

for (const element of document.querySelectorAll("[data-given]")) {
  const { given: from = "", suggested: to = "" } = /** @type {HTMLElement} */ (element).dataset;
  if (data.blind && to) continue;
  const button = document.createElement("button");
  [button.type, button.className, button.dataset.filter] = ["button", "plain", `${from},${to}`];
  button.append(...element.childNodes);
  button.title = to ? `Show the suspects of ${names[Number(from)]} → ${names[Number(to)]}` : `Show the suspects of ${names[Number(from)]}`;
  element.append(button);
}
names.forEach((name, label) => {
  tools.given.add(new Option(name, String(label)));
  tools.suggested.add(new Option(name, String(label)));
});
for (const card of cards) card.tabIndex = -1;
grid.append(...cards);
for (const element of document.querySelectorAll("[data-live]")) /** @type {HTMLElement} */ (element).hidden = false;
document.getElementById("rest")?.remove();
document.body.classList.add("live");
if (data.blind) {
  for (const element of document.querySelectorAll("[data-open]")) element.remove();
  hide.checked = hide.disabled = true;
}
reviewer.value = book.storage?.getItem("label-audit:reviewer") ?? "";
document.body.classList.toggle("blind", hide.checked);
for (let i = 0; i < cards.length; i++) if (decisionOf(i)) paint(i);
refilter();
