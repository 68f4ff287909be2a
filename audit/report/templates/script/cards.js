// What a card says: its decision, and its name for those who do not see it.

/** What was decided, with its sign or as a sentence. @param {Decision | undefined} decided @param {boolean} [spoken] */
function verdict(decided, spoken = false) {
  if (!decided) return spoken ? "undecided" : "";
  const words = decided.action === "relabel" && !spoken ? "" : WORDS[decided.action];
  return [spoken ? "" : SIGNS[decided.action], words, decided.label ?? ""].filter(Boolean).join(" ");
}

/** What of a pair of labels holds after a decision: the given one, the suggested one, or neither. @param {number} i */
function outcome(i) {
  const decided = decisionOf(i);
  if (decided?.action !== "relabel") return decided?.action ?? "open";
  return decided.label === names[suggested[i]] ? "relabel" : "other";
}

/** Show on a card what was decided of it; nothing for one that is not on the page. @param {number} i */
function paint(i) {
  if (i < 0) return;
  const decided = decisionOf(i);
  cards[i].classList.toggle("decided", Boolean(decided));
  cards[i].dataset.outcome = outcome(i);
  const foot = /** @type {HTMLElement} */ (cards[i].querySelector(".meta"));
  const badge = foot.querySelector(".verdict") ?? foot.appendChild(made("span", "", "verdict"));
  badge.textContent = verdict(decided);
  badge.setAttribute("dir", "auto");
  nameCard(i);
  paintRow(i);
}

/** @param {number} i */
function nameCard(i) {
  const said = hides(i) ? [] : [`suggested ${names[suggested[i]]}`, `${chance(i)} chance wrong`];
  const at = place[i] < 0 ? "" : `, ${number(place[i] + 1)} of ${number(order.length)}`;
  const name = [`given ${names[given[i]]}`, ...said, verdict(decisionOf(i), true)].join(", ");
  cards[i].setAttribute("aria-label", name + at);
}

const HEADS = /** @type {[string, number][]} */ ([["thead th[title]", 9], ["tbody th", 18]]); // and their most letters

/** Shorten what heads a table of values, so that two of them can be told apart; the titles have all of it. @param {number} i */
function shortenHeads(i) {
  for (const [side, most] of HEADS) {
    const heads = [...cards[i].querySelectorAll(`.values ${side}`)];
    const short = shortNames(heads.map((head) => (head.getAttribute("title") ?? "").replace(/^median of /, "")), most);
    heads.forEach((head, at) => { head.textContent = short[at]; });
  }
}

/** The picture of a card, small. @param {number} i */
function picture(i) {
  return cards[i].querySelector(".look > .thumb, .look > .text, .look > .values")?.cloneNode(true) ?? "";
}

/** Show an id; of one that is a path the folders give way, and the file's name stays. @param {ParentNode} parent @param {string} selector @param {number} i */
function fillId(parent, selector, i) {
  const place = /** @type {HTMLElement} */ (parent.querySelector(selector));
  const name = ids[i].lastIndexOf("/") + 1;
  place.title = ids[i];
  place.replaceChildren(...(name ? [made("span", `#${ids[i].slice(0, name)}`, "folders"), made("span", ids[i].slice(name))] : [`#${ids[i]}`]));
}

const marked = /** @type {Set<number>} */ (new Set());

/** @param {number} i @param {boolean} on */
function mark(i, on) {
  if (i < 0) return;
  if (on) marked.add(i);
  else marked.delete(i);
  cards[i].classList.toggle("marked", on);
  cards[i].setAttribute("aria-selected", String(on));
  the("marks", HTMLElement).hidden = !marked.size;
  fill(panel, "#marks-count", `${number(marked.size)} selected. The next decision applies to all of them.`);
}

const unmark = () => [...marked].forEach((i) => mark(i, false));
