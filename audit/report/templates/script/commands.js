// What keys and buttons do.

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
