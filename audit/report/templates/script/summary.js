// The end of a review: what was decided, how long it took, and what to do with it.

let savedOnce = false; // since the page was opened

/** @param {boolean} shown */
function showSummary(shown) {
  end.hidden = !shown;
  menu.open = false;
  if (!shown) return focusCard();
  const { all, decided, keep, relabel, ambiguous, drop } = tally();
  const { seconds } = paceOf([...book.decisions.values()].map(({ time }) => time));
  fill(end, "#end-title", decided === all ? `All ${number(all)} cards are decided` : `${number(decided)} of ${number(all)} cards are decided`);
  fill(end, "#end-counts", `${number(keep)} kept, ${number(relabel)} changed, ${number(ambiguous)} ambiguous, ${number(drop)} dropped${seconds ? `, in ${duration(seconds)}` : ""}.`);
  fill(end, "#command", command());
  /** @type {HTMLElement} */ (end.querySelector('[data-act="unseal"]')).hidden = !sealed || !savedOnce;
}

/** The command that applies what was decided here. */
const command = () => commandOf(location, fileName(reviewer.value.trim(), "json"));

/** Say in the page's head that the blind review has ended, and take no decisions any more. */
function sayEnded() {
  const { all, decided } = tally();
  fill(document, "#headline", "The blind review has ended.");
  fill(document, "#blind-lead", `${number(decided)} of ${number(all)} labels were decided. These decisions stay as they are; the cards now show what the models think.`);
  fill(document, "#start", "See the cards");
  fill(document, "#blind-title", `${number(all)} labels, reviewed blind`);
  for (const button of review.querySelectorAll("button")) if (DECIDING.includes(button.dataset.act ?? "")) button.disabled = true;
  note.readOnly = true;
  fill(sort, '[value="page"]', "as reviewed");
  sort.options[0].after(new Option("most suspicious", "chance"));
}

/** End the blind review: everything is shown, and its decisions stay as they are. */
function unseal() {
  const left = tally().open;
  const still = left ? `${number(left)} of ${number(cards.length)} cards are undecided. ` : "";
  if (!window.confirm(`${still}Decisions cannot be changed once the blind review has ended. End it?`)) return;
  if (!store.keep(ENDED, new Date().toISOString())) return;
  setTimeout(() => location.reload(), 300); // at once, a busy browser may not have kept it yet
}
