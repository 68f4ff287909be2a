// What the decisions so far say of what is left: errors, and time.

const ENOUGH = 20; // decisions before anything is said of stopping

/** Of the cards that the view leaves, in its order. */
function outlook() {
  const open = undecided();
  if (curve && !data.blind) learn(curve);
  if (!open.length) return "Everything here is decided.";
  if (fixed()) return `${number(open.length)} ${open.length === 1 ? "was" : "were"} never decided.`;
  if (!curve || data.blind) return `${number(open.length)} left.`;
  const left = curve.expected(open.map((i) => knots[i]), false);
  const soon = curve.expected(open.slice(0, NEXT).map((i) => knots[i]), false);
  const text = (/** @type {Expected} */ { value, low, high }) => `${number(value)} (${number(low)} to ${number(high)})`;
  const next = Math.min(NEXT, open.length);
  const enough = book.decisions.size >= ENOUGH && soon.value < Number(stopBelow.value) * next / NEXT;
  const further = open.length > NEXT ? `, and ${text(soon)} in the next ${next}` : "";
  const whole = `About ${text(left)} errors are expected in the ${number(open.length)} left${further}`;
  return `${whole}${enough ? ": a reasonable place to stop." : "."}`;
}

/** Let the curve learn, and write what it expects into the figures above the list. @param {ErrorCurve} curve */
function learn(curve) {
  curve.learn(cards.flatMap((_, i) => told(i)));
  for (const tile of document.querySelectorAll("[data-first]")) {
    const first = Number(tile.getAttribute("data-first"));
    const known = cards.filter((_, i) => i < first && told(i)[0]?.wrong).length;
    const still = cards.flatMap((_, i) => (i < first && !decisionOf(i) ? [knots[i]] : []));
    const { value, low, high } = curve.expected(still, first > cards.length);
    fill(tile, "span", number(known + value));
    fill(tile, "small", `${number(known + low)} to ${number(known + high)}`);
  }
}

/** What a decision says of the curve; an ambiguous row has no right label. @param {number} i @returns {Told[]} */
function told(i) {
  const action = decisionOf(i)?.action;
  return !action || action === "ambiguous" ? [] : [{ knot: knots[i], wrong: action !== "keep" }];
}

/** @param {number} open */
function timeLeft(open) {
  const { each } = paceOf([...book.decisions.values()].map(({ time }) => time));
  return each && open && !fixed() ? `${inAbout(each * open)} at your pace (${each.toFixed(1)} s each).` : "";
}
