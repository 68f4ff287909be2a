// The cards, which are in the page already: which the view leaves, in which order, and how far they are shown.

/** The view of the address; what of it the page does not have is left out, and said. */
function viewOfAddress() {
  const asked = viewOf(location.hash, sealed);
  if (!asked) return null;
  const [found, missing] = fitting(asked, data);
  if (missing.length) warn(`The address asks for what this page does not have, which is left out: ${missing.join(", ")}.`);
  return found;
}

let view = viewOfAddress() ?? { ...WHOLE, sort: data.sample_first && !sealed ? "sample" : "page" };
let stands = " page"; // how the cards stand in the document
let order = cards.map((_, i) => i); // the cards that the filters leave, in their order
let place = order.slice(); // of each card in it, -1 for none
let limit = 0; // how many of them are shown
let current = -1;
let entered = false; // whether a person has gone to a card, and knows what keys are about

/** @type {Facts} */
const facts = {
  data, decided: decisionOf, differing: new Set(),
  words: cards.map((card, i) => `${ids[i]} ${card.querySelector(".look > .text")?.textContent ?? ""}`.toLowerCase()),
};
const undecided = () => order.filter((i) => !decisionOf(i));

/** Show the cards that the view leaves; a decision alone never moves a card. */
function refilter() {
  const wanted = `${view.like} ${view.sort}`;
  if (wanted !== stands || wanted.endsWith("verdict")) grid.append(...sorted(view, allLike(), facts).map((i) => cards[i]));
  stands = wanted;
  order = sorted(view, passing(view, setFilters(view), facts), facts);
  place.fill(-1);
  order.forEach((i, at) => { place[i] = at; });
  limit = 0;
  for (const card of cards) card.hidden = true;
  emptyList();
  showUpTo(MORE);
  the("none", HTMLElement).hidden = order.length > 0;
  for (const i of [...marked]) if (place[i] < 0) mark(i, false);
  select(place[current] >= 0 && place[current] < limit ? current : undecided()[0] ?? order[0] ?? -1);
  drawTools();
  summarise();
}

/** All cards, those like one of them first where that is asked for. */
function allLike() {
  const like = view.like ? passing(view, ["like"], facts) : [];
  return [...new Set([...like, ...cards.map((_, i) => i)])];
}

/** Change the view and show what it leaves. @param {Partial<View>} changes */
function show(changes) {
  view = { ...view, ...changes };
  refilter();
  writeAddress();
  if (!panelInView()) review.scrollIntoView({ behavior: "instant" }); // a shorter list would leave one far below it
}

/** @param {number} count */
function showUpTo(count) {
  for (; limit < Math.min(order.length, count); limit++) {
    const i = order[limit];
    cards[i].hidden = false;
    nameCard(i);
    shortenHeads(i);
    addRow(i);
  }
  const more = the("more", HTMLButtonElement);
  more.hidden = limit >= order.length;
  more.textContent = `Show ${number(Math.min(MORE, order.length - limit))} more of ${number(order.length - limit)}`;
}

/** Whether a person sees what a key would decide, and not only its edge. */
function panelInView() {
  const { top, bottom } = panel.getBoundingClientRect();
  return bottom > 150 && top < innerHeight / 2;
}

/** @param {number} i */
function select(i) {
  for (const old of [cards[current], rowOf(current)]) {
    old?.removeAttribute("aria-current");
    old?.setAttribute("tabindex", "-1");
  }
  current = i;
  showUpTo((place[i] ?? 0) + AHEAD);
  for (const element of [cards[i], rowOf(i)]) {
    element?.setAttribute("aria-current", "true");
    element?.setAttribute("tabindex", "0");
  }
  drawPanel();
  keepAddress();
}

/** Make the card of an address the current one, where the filters leave it. @param {string} id */
function selectId(id) {
  const i = ids.indexOf(id);
  if (i >= 0 && place[i] >= 0) select(i);
}

/** Make a card the current one and bring it into view. @param {number} i */
function go(i) {
  select(i);
  if (i < 0) return;
  entered = true;
  const { top, bottom } = panel.getBoundingClientRect();
  if (!panelInView() || bottom > innerHeight || top < 0) {
    (stacked.matches ? panel : columns).scrollIntoView({ behavior: "instant", block: "start" });
  }
  focusCard();
  if (!stacked.matches) shownElement(i).scrollIntoView({ block: "nearest", behavior: "instant" });
}

/** Go to the first card, so that the next key decides. @param {MouseEvent} event */
function startReview(event) {
  event.preventDefault();
  go(current);
}

/** The element that stands for a card: itself, or its row of the list. @param {number} i */
function shownElement(i) {
  return grid.hidden ? rowOf(i) ?? cards[i] : cards[i];
}

function focusCard() {
  if (current >= 0) shownElement(current).focus({ preventScroll: true });
}

/** @param {number} by */
function step(by) {
  const to = order[Math.max(0, Math.min(order.length - 1, place[current] + by))];
  go(entered && panelInView() ? to ?? current : current);
}

/** How many cards stand side by side. */
function lineLength() {
  return grid.hidden ? 1 : getComputedStyle(grid).gridTemplateColumns.split(" ").length;
}
