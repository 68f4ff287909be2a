// Which cards are shown and in which order, as one value that fits into the page's address.

/**
 * @typedef {{show: string, given: string, suggested: string, kind: string, fold: string, part: string, person: string,
 *   from: string, to: string, find: string, rows: string, like: string, differs: string, sort: string, card: string}} View
 * @typedef {{data: Data, words: string[], decided: (i: number) => Decision | undefined, differing: Set<number>}} Facts
 */

/** @type {View} */
const WHOLE = { show: "all", given: "", suggested: "", kind: "", fold: "", part: "", person: "", from: "", to: "",
  find: "", rows: "", like: "", differs: "", sort: "page", card: "" };
const NO_FILTERS = ["sort", "card"]; // fields that leave no card out
const TELLING = ["suggested", "kind", "from", "to", "like", "sort"]; // fields that a blind review does not have
const OF_A_FILE = ["differs"]; // fields that need a second reviewer's file, which no address opens
const MARK = "#view:"; // what the address has before a view; other addresses are parts of the page

/** @param {View} view */
function hashOf(view) {
  const told = Object.entries(view).filter(([name, value]) => value !== WHOLE[/** @type {keyof View} */ (name)]);
  return MARK + new URLSearchParams(told);
}

/** The view of an address, or null where it is none. @param {string} hash @param {boolean} blind @returns {View | null} */
function viewOf(hash, blind) {
  if (!hash.startsWith(MARK)) return null;
  const told = [...new URLSearchParams(hash.slice(MARK.length))].filter(([name]) => Object.hasOwn(WHOLE, name) && !OF_A_FILE.includes(name) && !(blind && TELLING.includes(name)));
  return { ...WHOLE, ...Object.fromEntries(told) };
}

/** What of a view the page has nothing for, and the view without it. @param {View} view @param {Data} data @returns {[View, string[]]} */
function fitting(view, data) {
  const missing = setFilters(view).filter((name) => !KNOWN[name]?.(view[name], data));
  if (!Object.hasOwn(SORTS, columnOf(view.sort))) missing.push("sort");
  return [{ ...view, ...Object.fromEntries(missing.map((name) => [name, WHOLE[name]])) }, missing.map((name) => `${name} ${view[name]}`)];
}

/** Whether a value is one that the page can filter by. @type {Partial<Record<keyof View, (value: string, data: Data) => boolean>>} */
const KNOWN = {
  show: (value) => SHOWN.includes(value),
  given: (value, data) => isPlace(value, data.class_names),
  suggested: (value, data) => isPlace(value, data.class_names),
  kind: (value, data) => Object.hasOwn(data.kinds, value),
  fold: (value, data) => data.cards.fold.map(String).includes(value),
  part: (value, data) => isPlace(value, data.parts),
  person: (value, data) => isPlace(value, data.people),
  from: (value) => isPercent(value),
  to: (value) => isPercent(value),
  find: () => true,
  rows: (value, { cards }) => value.split(",").some((row) => cards.row.includes(Number(row))),
  like: (value, data) => data.cards.id.includes(value),
};
const SHOWN = ["all", "open", "decided", "keep", "relabel", "ambiguous", "drop"];
const isPlace = (/** @type {string} */ value, /** @type {string[]} */ list) => /^\d+$/.test(value) && Number(value) < list.length;
const isPercent = (/** @type {string} */ value) => /^\d+(\.\d+)?$/.test(value) && Number(value) <= 100;

/** The filters of a view that are set. @param {View} view */
function setFilters(view) {
  return /** @type {(keyof View)[]} */ (Object.keys(view)).filter((name) => !NO_FILTERS.includes(name) && view[name] !== WHOLE[name]);
}

/** What each filter asks of a card. @type {Record<string, (view: View, i: number, facts: Facts) => boolean>} */
const PASSES = {
  show: ({ show }, i, { decided }) => {
    const action = decided(i)?.action ?? "open";
    return show === action || (show === "decided" && action !== "open");
  },
  given: ({ given }, i, { data }) => data.cards.given[i] === Number(given),
  suggested: ({ suggested }, i, { data }) => data.cards.suggested[i] === Number(suggested),
  kind: ({ kind }, i, { data }) => data.cards.kind[i] === Number(kind),
  fold: ({ fold }, i, { data }) => data.cards.fold[i] === Number(fold),
  part: ({ part }, i, { data }) => data.cards.part[i] === Number(part),
  person: ({ person }, i, { data }) => data.cards.people[i].includes(Number(person)),
  from: ({ from }, i, { data }) => 100 * data.cards.p_error[i] >= Number(from),
  to: ({ to }, i, { data }) => 100 * data.cards.p_error[i] <= Number(to),
  find: ({ find }, i, { words }) => words[i].includes(find.trim().replace(/^#/, "").toLowerCase()),
  rows: ({ rows }, i, { data }) => `,${rows},`.includes(`,${data.cards.row[i]},`),
  differs: (_, i, { data, differing }) => differing.has(data.cards.row[i]),
};

/** The cards that pass some of the filters. @param {View} view @param {(keyof View)[]} names @param {Facts} facts @returns {number[]} */
function passing(view, names, facts) {
  const all = facts.data.cards.row.map((_, i) => i);
  const like = names.includes("like") ? facts.data.cards.id.indexOf(view.like) : -1;
  const base = like >= 0 ? similarTo(facts.data.cards.likely, like) : all;
  const others = names.filter((name) => name !== "like");
  return base.filter((i) => others.every((name) => PASSES[name](view, i, facts)));
}

const natural = new Intl.Collator("en", { numeric: true });

/** What cards are sorted by; equal ones stay as they are on the page. @type {Record<string, (facts: Facts, a: number, b: number) => number>} */
const SORTS = {
  page: (_, a, b) => a - b,
  sample: ({ data }, a, b) => drawnAt(data, a) - drawnAt(data, b),
  pair: ({ data: { cards } }, a, b) => cards.given[a] - cards.given[b] || cards.suggested[a] - cards.suggested[b],
  kind: ({ data: { cards } }, a, b) => cards.kind[a] - cards.kind[b],
  id: ({ data: { cards } }, a, b) => natural.compare(cards.id[a], cards.id[b]),
  given: ({ data: { cards, class_names } }, a, b) => natural.compare(class_names[cards.given[a]], class_names[cards.given[b]]),
  suggested: ({ data: { cards, class_names } }, a, b) => natural.compare(class_names[cards.suggested[a]], class_names[cards.suggested[b]]),
  chance: ({ data: { cards } }, a, b) => cards.p_error[b] - cards.p_error[a],
  fold: ({ data: { cards } }, a, b) => cards.fold[a] - cards.fold[b],
  verdict: ({ decided }, a, b) => natural.compare(decided(a)?.action ?? "", decided(b)?.action ?? ""),
};

/** What an order sorts by, either way round. @param {string} sort */
const columnOf = (sort) => sort.replace(/^-/, "");

/** The place of a card in the random sample, after it for all others. @param {Data} data @param {number} i */
function drawnAt(data, i) {
  const at = data.sample.indexOf(i);
  return at < 0 ? data.sample.length : at;
}

/** Put cards in the order of a view; a minus turns it round. Those like a card stay the closest first.
 * @param {View} view @param {number[]} cards @param {Facts} facts */
function sorted(view, cards, facts) {
  if (view.like && view.sort === "page") return cards;
  const column = columnOf(view.sort);
  const compare = Object.hasOwn(SORTS, column) ? SORTS[column] : SORTS.page;
  return [...cards].sort((a, b) => (view.sort.startsWith("-") ? -1 : 1) * compare(facts, a, b) || a - b);
}
