// The cards, which are in the page already: filters, order, and how far they are shown.

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
