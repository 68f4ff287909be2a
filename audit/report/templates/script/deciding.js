// Deciding, undoing, and what decisions change on the page.

/** @param {number} i @param {Answer | "relabel"} action @param {number} [label] @returns {Decision} */
function decision(i, action, label) {
  const to = action === "accept" ? suggested[i] : action === "relabel" ? label ?? given[i] : given[i];
  const does = action === "accept" || action === "relabel" ? (to === given[i] ? "keep" : "relabel") : action;
  return {
    id: ids[i], row: rows[i], given: names[given[i]], suggested: names[suggested[i]], action: does,
    label: does === "relabel" ? names[to] : null, note: book.noteOf(rows[i]), time: new Date().toISOString(),
  };
}

/** What keeps a key from deciding now, after it was said; null where nothing does. */
function obstacle() {
  if (current < 0) return "No card is shown.";
  if (fixed()) return ENDED_LINE;
  if (entered && panelInView()) return null;
  go(current);
  return "Keys now apply to this card. Press again.";
}

/** The cards that the next decision applies to. */
const targets = () => (marked.size ? [...marked] : current >= 0 ? [current] : []);

/** @param {Answer | "relabel"} action @param {number} [label] */
function decide(action, label) {
  const problem = obstacle();
  if (problem) return say(problem);
  commit(targets(), () => action, label);
}

/** Do what the cards propose. Of several, those that are to be looked at first stay as they are. */
function propose() {
  const problem = obstacle();
  if (problem) return say(problem);
  const chosen = targets().filter(answers);
  if (chosen.length) commit(chosen, answerOf);
  else if (proposalOf(current) !== "both" || !showTwin(rows[current])) enlarge();
}

/** Decide on cards as one step. @param {number[]} chosen @param {(i: number) => Answer | "relabel"} actionOf @param {number} [label] */
function commit(chosen, actionOf, label) {
  unmark();
  const before = undecided().length;
  book.decide(chosen.map((i) => decision(i, actionOf(i), label)));
  chosen.forEach(paint);
  const last = Math.max(...chosen.map((i) => place[i]));
  const next = order.find((i, at) => at > last && !decisionOf(i)) ?? order.find((i) => !decisionOf(i));
  go(next ?? current);
  summarise();
  const one = `${spokenId(chosen[0])}: ${verdict(decisionOf(chosen[0]), true)}.`;
  const then = next === undefined ? "All cards here are decided." : `Next is ${spoken(next)}.`;
  say(`${chosen.length > 1 ? `${number(chosen.length)} cards are decided.` : one} ${then}`);
  if (before && cards.every((_, i) => decisionOf(i))) showSummary(true);
}

/** A card in few words. @param {number} i */
function spoken(i) {
  return `${spokenId(i)}, given ${isolated(names[given[i]])}${hides(i) ? "" : `, suggested ${isolated(names[suggested[i]])}`}`;
}

/** Show what undoing or redoing has changed. @param {number[]} changed @param {string} word @param {string} nothing */
function moved(changed, word, nothing) {
  const found = changed.flatMap((row) => book.places.get(row) ?? []);
  found.forEach(paint);
  summarise();
  if (!changed.length) return say(nothing);
  go(found.find((i) => place[i] >= 0) ?? current);
  say(`${word}: ${changed.length > 1 ? `${number(changed.length)} cards` : idOf(changed[0])}.`);
}

/** Whether the blind review has ended, and what then does nothing. */
const fixed = () => data.blind && !sealed;
const DECIDING = ["propose", "keep", "ambiguous", "drop", "pick", "mark", "undo", "redo", "clear", "pair", "bulk", "import"];
const ENDED_LINE = "The blind review has ended: its decisions stay as they were.";
const undo = () => fixed() ? say(ENDED_LINE) : moved(book.undo(), "Undone", "There is nothing to undo.");
const redo = () => fixed() ? say(ENDED_LINE) : moved(book.redo(), "Done again", "There is nothing to do again.");

function clearDecision() {
  const problem = obstacle();
  if (problem) return say(problem);
  const chosen = targets();
  const cleared = book.clear(chosen.map((i) => rows[i]));
  chosen.forEach(paint);
  drawPanel();
  summarise();
  say(cleared ? `Undecided again: ${cleared > 1 ? `${number(cleared)} cards` : spokenId(chosen[0])}.` : "This card is undecided.");
}

/** Close what lies over the cards; whether anything did. */
function closePopups() {
  const open = menu.open || !filterBox.hidden || !end.hidden;
  menu.open = false;
  end.hidden = true;
  if (!filterBox.hidden) toggleFilters();
  return open;
}

function stepAside() {
  if (!closePopups()) unmark();
}

/** How many cards have each decision. */
function tally() {
  /** @type {Record<string, number>} */
  const counts = { all: cards.length, open: 0, decided: 0, keep: 0, relabel: 0, ambiguous: 0, drop: 0 };
  for (let i = 0; i < cards.length; i++) {
    const action = decisionOf(i)?.action;
    if (!action) counts.open++;
    if (action) [counts.decided, counts[action]] = [counts.decided + 1, counts[action] + 1];
  }
  return counts;
}

/** The counts of the head and the filters, and what is still to be expected. */
function summarise() {
  const counts = tally();
  for (const [name, count] of Object.entries(counts)) {
    tools.querySelector(`[data-show=${name}]`)?.setAttribute("aria-pressed", String(name === view.show));
    fill(tools, `[data-show=${name}] b`, number(count));
  }
  the("progress", HTMLProgressElement).value = counts.decided;
  the("reviewed", HTMLElement).textContent = `${number(counts.decided)} of ${number(cards.length)} reviewed`;
  fill(panel, "#left", [outlook(), timeLeft(undecided().length)].filter(Boolean).join(" "));
  compareNow();
  paintOthers();
  if (store.refused) warn("This browser keeps no decisions for this page. Export them before you leave.");
}
