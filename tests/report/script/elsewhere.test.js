const assert = require("node:assert");
const { test } = require("node:test");
const { load } = require("./load.js");

// A page without a table or a map, on which the two files find nothing to do.
globalThis.document = { querySelectorAll: () => [], querySelector: () => null };
globalThis.SVGSVGElement = class {};
const { compareNumbers, extent, within } = load(["sorting.js", "map.js"], ["compareNumbers", "extent", "within"]);

test("cells are sorted by the number that they begin with, those without one last", () => {
  const cells = ["1,214", "–", "98.9 96.0–99.7", "100 97.9–100"];
  assert.deepStrictEqual([...cells].sort((a, b) => compareNumbers(a, b, false)), [cells[2], cells[3], cells[0], "–"]);
  assert.deepStrictEqual([...cells].sort((a, b) => compareNumbers(a, b, true)), [cells[0], cells[3], cells[2], "–"]);
});

test("a line drawn round a mark holds it, also where the line turns inwards", () => {
  const line = [[0, 0], [10, 0], [10, 10], [5, 5], [0, 10]];
  assert.deepStrictEqual([[2, 4], [8, 4], [5, 8], [12, 4]].map((point) => within(line, point)), [true, true, false, false]);
  assert.strictEqual(extent([[3, 1], [9, 2]]), 6);
});
