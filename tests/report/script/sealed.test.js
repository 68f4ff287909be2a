const assert = require("node:assert");
const { test } = require("node:test");
const { data, load } = require("./load.js");

const { closedData, openData } = load(["sealed.js"], ["closedData", "openData"]);
const { row, id, given, fold, part, people, ...hidden } = data.cards;
const shown = { ...data, blind: true, cards: { row, id, given, fold, part, people } };

test("a sealed card suggests its given class, and nothing tells cards apart", () => {
  const { cards, curve, others, sample } = closedData(shown);
  assert.deepStrictEqual(cards.suggested, given);
  assert.deepStrictEqual([curve, others.row, sample], [null, [], []]);
  for (const column of ["p_error", "knot", "likely", "kind"]) {
    assert.strictEqual(new Set(cards[column].map(String)).size, 1, column);
    assert.strictEqual(cards[column].length, row.length);
  }
});

test("what was hidden comes back when it is opened", () => {
  const open = openData(shown, { data: { sample: [2], cards: hidden }, cards: "" });
  assert.deepStrictEqual(open.cards, data.cards);
  assert.deepStrictEqual(open.sample, [2]);
});
