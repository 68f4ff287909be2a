const assert = require("node:assert");
const { test } = require("node:test");
const { data, decision, load, storage } = require("./load.js");

const { Book, Store } = load(["decisions.js", "store.js", "book.js"], ["Book", "Store"]);
const open = (place) => new Book(data, new Store(() => place));
const actions = (book) => Object.fromEntries([...book.decisions].map(([row, { action }]) => [row, action]));

test("undo and redo go back and forth step by step", () => {
  const book = open(storage());
  book.decide([decision(10, "keep")]);
  book.decide([decision(10, "drop"), decision(11, "drop")]);
  assert.deepStrictEqual(book.undo(), [10, 11]);
  assert.deepStrictEqual(actions(book), { 10: "keep" });
  assert.deepStrictEqual(book.redo(), [10, 11]);
  assert.deepStrictEqual(actions(book), { 10: "drop", 11: "drop" });
  book.undo();
  book.undo();
  assert.deepStrictEqual(book.undo(), []);
  book.redo();
  book.decide([decision(12, "keep")]);
  assert.deepStrictEqual(book.redo(), [], "a new decision ends what can be done again");
});

test("a reload keeps decisions, notes and what can be undone", () => {
  const place = storage();
  const book = open(place);
  book.note(12, "torn");
  book.decide([decision(10, "keep")]);
  book.decide([decision(11, "ambiguous")]);
  book.undo();
  const again = open(place);
  assert.deepStrictEqual(actions(again), { 10: "keep" });
  assert.strictEqual(again.noteOf(12), "torn");
  assert.deepStrictEqual(again.redo(), [11]);
  assert.deepStrictEqual([again.undo(), again.undo(), again.undo()], [[11], [10], []]);
});

test("a decision can be cleared, its note stays, and clearing can be undone", () => {
  const book = open(storage());
  book.decide([decision(10, "keep", null, undefined, "torn")]);
  assert.strictEqual(book.clear([10, 11]), 1);
  assert.deepStrictEqual(actions(book), {});
  assert.strictEqual(book.noteOf(10), "torn");
  book.undo();
  assert.deepStrictEqual(actions(book), { 10: "keep" });
  assert.strictEqual(book.clear([12]), 0);
});

test("what is damaged or of another run is as if it were not there", () => {
  const place = storage();
  place.setItem("label-audit:r:10", "{");
  place.setItem("label-audit:r:11", JSON.stringify({ ...decision(11, "keep"), given: "dog" }));
  place.setItem("label-audit:r:steps", JSON.stringify({ steps: [[[11, null, { row: 11 }]]] }));
  place.setItem("label-audit:other:12", JSON.stringify(decision(12, "keep")));
  const book = open(place);
  assert.deepStrictEqual([actions(book), book.undo()], [{}, []]);
});

test("a browser that keeps nothing is told apart from one that does", () => {
  const refused = new Book(data, new Store(() => { throw new Error("refused"); }));
  refused.decide([decision(10, "keep")]);
  assert.ok(refused.store.refused && refused.unsaved);
  const kept = open(storage());
  kept.decide([decision(10, "keep")]);
  assert.ok(!kept.store.refused && !kept.unsaved);
});

test("of two decisions on a row the later is taken over", () => {
  const book = open(storage());
  book.decide([decision(10, "keep"), decision(11, "keep", null, "2026-03-01T00:00:00.000Z")]);
  const later = "2026-02-01T00:00:00.000Z";
  assert.deepStrictEqual(book.merge([10, 11, 12].map((row) => decision(row, "drop", null, later))), [1, 1]);
  assert.deepStrictEqual(actions(book), { 10: "drop", 11: "keep", 12: "drop" });
  assert.deepStrictEqual(book.file("Ada").decisions.map(({ row }) => row), [10, 12, 11], "in the order of deciding");
});
