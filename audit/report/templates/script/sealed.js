// What a blind review hides: it lies in the page in base64, and is opened when the review has ended.

/** @typedef {{data: Partial<Data> & {cards: Partial<Cards>}, cards: string}} Sealed  cards is the HTML of all of them */

/** The data while it is sealed: no card suggests anything, so that each stands with its given class alone. @param {Data} shown @returns {Data} */
function closedData(shown) {
  const none = shown.cards.row.map(() => 0);
  const cards = { ...shown.cards, suggested: shown.cards.given, p_error: none, knot: none, likely: none.map(() => []), kind: none.map(() => -1) };
  return { ...shown, others: { row: [], id: [], given: [], suggested: [] }, curve: null, sample: [], sample_first: false, cards };
}

/** The data with what was hidden. @param {Data} shown @param {Sealed} sealed @returns {Data} */
function openData(shown, { data }) {
  return { ...shown, ...data, cards: { ...shown.cards, ...data.cards } };
}
