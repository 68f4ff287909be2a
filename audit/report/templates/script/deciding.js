// Deciding and undoing, and what decisions change on the page.

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
