// Events, and what happens when the page is opened.

let byPointer = false; // whether the last thing that a person used was a mouse, a pen or a finger

/** A class key of the desk. @param {string} key @returns {number | null} */
function classOfKey(key) {
  const button = [...choices.children].find((each) => each.getAttribute("aria-keyshortcuts") === key);
  return button ? Number(button.getAttribute("value")) : null;
}

document.addEventListener("keydown", (event) => {
  byPointer = false;
  const target = /** @type {HTMLElement} */ (event.target);
  if (largeDialog.open && ["y", "z"].includes(event.key)) return largeDialog.close();
  if (event.altKey || document.querySelector("dialog[open]")) return;
  if (target === note && event.key === "Enter") return closePopups(), focusCard();
  if (event.key === "Escape" && target.closest("input, select")) return target.blur(), focusCard();
  if (target.closest("input:not([type=checkbox], [type=range]), select, textarea") || !keysOn.checked) return;
  if (event.key === "Enter" && target.closest("button, a, summary, input")) return;
  const command = commandOfKey(event);
  const label = command || event.ctrlKey || event.metaKey ? null : classOfKey(event.key.toLowerCase());
  if (!command && label === null) return;
  if (command?.within && (!review.contains(target) || target.closest("input"))) return;
  event.preventDefault();
  if (event.repeat && !command?.repeats) return;
  if (command) command.run();
  else decide("relabel", Number(label));
});

// Enter in a field or on a tick would press the first button of the form, which decides on all cards.
togetherDialog.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && /** @type {HTMLElement} */ (event.target).closest("input")) event.preventDefault();
});

document.addEventListener("pointerdown", ({ target }) => {
  byPointer = true;
  entered ||= panel.contains(/** @type {Node} */ (target));
}, true);

document.addEventListener("click", (event) => {
  const target = /** @type {HTMLElement} */ (event.target);
  const button = target.closest("button");
  const card = target.closest("#cards .card, #list tbody tr");
  const opened = target.closest("[data-open-row]")?.getAttribute("data-open-row");
  if (!target.closest("#tools, #menu, dialog, header")) closePopups();
  if (target.closest("#start")) startReview(event);
  else if (opened) openRow(Number(opened), event);
  else if (button && decideButtons.has(button)) askRow(button, Number(decideButtons.get(button)), event);
  else if (button) press(button);
  else if (card instanceof HTMLElement) pressCard(card, event);
  else if (target.closest("#look .thumb")) enlarge();
  else if (largeDialog.open && !target.closest("a, p")) largeDialog.close();
  // A key would press a clicked button again instead of deciding on the card.
  const inReview = button && (tools.contains(button) || panel.contains(button) || jumps.has(button));
  if ((inReview || button?.dataset.clear) && event.detail && !document.querySelector("dialog[open]")) focusCard();
});

/** @param {HTMLButtonElement} button */
function press(button) {
  const { show: shown, act, clear, sort: column } = button.dataset;
  const jump = jumps.get(button);
  if (button.closest("#menu")) menu.open = false;
  if (shown) show({ show: shown });
  else if (clear) show({ [clear]: WHOLE[/** @type {keyof View} */ (clear)] });
  else if (column) sortList(column);
  else if (jump) jumpTo(jump);
  else if (act === "relabel") decide("relabel", Number(button.value));
  else if (act) run(act);
}

/** @param {Partial<View>} filters  of a cell, a class or a kind anywhere on the page */
function jumpTo(filters) {
  show({ ...WHOLE, sort: view.sort, ...filters });
  review.scrollIntoView({ behavior: "instant" });
  say(`${number(order.length)} cards match.`);
}

/** Go to the card of a row from elsewhere on the page. @param {number} row @param {MouseEvent} event */
function openRow(row, event) {
  const i = book.places.get(row);
  if (i === undefined) return;
  event.preventDefault();
  if (place[i] < 0) show(WHOLE);
  go(i);
}

/** @param {HTMLElement} card @param {MouseEvent} event */
function pressCard(card, event) {
  const i = card.dataset.at ? Number(card.dataset.at) : cards.indexOf(card);
  const [from, to] = [place[current], place[i]].sort((a, b) => a - b);
  if (event.shiftKey) getSelection()?.removeAllRanges();
  if (event.shiftKey) order.slice(from, to + 1).forEach((each) => mark(each, true));
  if (event.ctrlKey || event.metaKey) mark(i, !marked.has(i));
  go(i);
}

for (const field of fields()) {
  field.addEventListener("input", () => show({ [field.dataset.filter ?? ""]: field.value }));
  field.addEventListener("change", () => byPointer && field instanceof HTMLSelectElement && focusCard());
}
stopBelow.addEventListener("input", summarise);
classFind.addEventListener("input", listClasses);
size.addEventListener("input", () => { resize(); store.keep("label-audit:size", size.value); });
note.addEventListener("input", () => current >= 0 && !fixed() && book.note(rows[current], note.value));
hide.addEventListener("change", () => { document.body.classList.toggle("blind", hide.checked); order.slice(0, limit).forEach(nameCard); drawPanel(); if (byPointer) focusCard(); });
reviewer.addEventListener("change", () => store.keep("label-audit:reviewer", reviewer.value));
file.addEventListener("change", () => file.files?.[0] && readFile(file.files[0]));
stacked.addEventListener("change", placeExtras);
window.addEventListener("beforeprint", () => showUpTo(order.length));
window.addEventListener("hashchange", readAddress);
window.addEventListener("pagehide", writeAddress);
window.addEventListener("storage", (event) => {
  if (event.key === ENDED && sealed) return location.reload();
  const i = book.places.get(book.hear(event.key, event.newValue) ?? -1);
  if (current >= 0 && document.activeElement !== note) note.value = book.noteOf(rows[current]);
  if (i === undefined) return paintOthers();
  paint(i);
  summarise();
  if (i === current) drawPanel();
  say(`${spokenId(i)} was decided in another tab: ${verdict(decisionOf(i), true)}.`);
});
window.addEventListener("beforeunload", (event) => { if (book.unsaved) event.preventDefault(); });

// ---- Buttons elsewhere on the page that show some of the cards
const jumps = /** @type {Map<Element, Partial<View>>} */ (new Map());

for (const element of document.querySelectorAll("[data-given], [data-kind]")) {
  const { given: from = "", suggested: to = "", kind = "" } = /** @type {HTMLElement} */ (element).dataset;
  if (sealed && (to || kind)) continue;
  const button = /** @type {HTMLButtonElement} */ (made("button", "", "plain"));
  button.type = "button";
  jumps.set(button, { given: from, suggested: to, kind });
  button.append(...element.childNodes);
  button.title = kind ? "Show these suspects" : `Show the suspects of ${names[Number(from)]}${to && ` → ${names[Number(to)]}`}`;
  element.append(button);
}

// ---- Start
/** Let the desk and the places that one jumps to stand below what sticks to the top. */
function measure() {
  const head = /** @type {HTMLElement} */ (document.querySelector("header"));
  const sticks = getComputedStyle(head).position === "sticky";
  document.body.style.setProperty("--head", `${sticks ? head.offsetHeight : 0}px`);
  document.body.style.setProperty("--bar", `${tools.offsetHeight}px`);
}

/** Write a command's keys on its buttons. @param {Command} command */
function hint({ id, keys: own }) {
  if (!own.length) return;
  for (const button of document.querySelectorAll(`[data-act="${id}"]`)) {
    button.setAttribute("aria-keyshortcuts", own.map((key) => key.replace("Ctrl", "Control")).join(" "));
    if (button.classList.contains("plain")) continue;
    const key = button.querySelector("kbd") ?? button.appendChild(made("kbd", ""));
    key.setAttribute("aria-hidden", "true");
    key.textContent = keyName(own[0]);
  }
}

grid.append(...cards);
grid.setAttribute("role", "listbox");
grid.setAttribute("aria-label", "Cards");
grid.setAttribute("aria-multiselectable", "true");
for (const card of cards) {
  card.setAttribute("role", "option");
  card.setAttribute("aria-selected", "false");
  card.hidden = true; // until `refilter` shows a screen or two: to lay out all of them takes a second
}
document.body.classList.add("live");
document.documentElement.classList.add("reviewed");
if (!sealed) document.body.classList.remove("sealed", "blind");
hide.checked = sealed;
if (fixed()) hide.disabled = true;
COMMANDS.forEach(hint);
const classes = /** @type {[string, string][]} */ (names.map((name, label) => [String(label), name]));
offerFilter("given", classes);
offerFilter("suggested", classes);
if (!data.blind) offerFilter("kind", Object.entries(data.kinds).map(([kind, { name, count }]) => [kind, `${name} (${number(count)})`]));
offerFilter("fold", [...new Set(data.cards.fold)].sort((a, b) => a - b).map((fold) => [String(fold), String(fold)]));
offerFilter("part", data.parts.map((part, at) => [String(at), part]));
offerFilter("person", data.people.map((person, at) => [String(at), person]));
document.body.classList.toggle("photos", grid.querySelector(".own") !== null);
size.value = store.read("label-audit:size") ?? usualSize();
resize();
reviewer.value = store.read("label-audit:reviewer") ?? "";
fill(document, "code.command", command());
for (const row of book.decisions.keys()) paint(book.places.get(row) ?? -1);
new ResizeObserver(measure).observe(tools);
new ResizeObserver(measure).observe(/** @type {Element} */ (document.querySelector("header")));
measure();
placeExtras();
offerOthers();
if (fixed()) sayEnded();
refilter();
selectId(view.card);
