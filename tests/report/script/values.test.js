const assert = require("node:assert");
const { test } = require("node:test");
const { data, decision, load } = require("./load.js");

const { agreementOf, aboveChance, commandOf, csvOf, duration, fileName, inAbout, keysOf, offered, ofPair, paceOf, similarTo } = load(
  ["decisions.js", "exports.js", "agreement.js", "pace.js", "similar.js", "bulk.js"],
  ["agreementOf", "aboveChance", "commandOf", "csvOf", "duration", "fileName", "inAbout", "keysOf", "offered", "ofPair", "paceOf", "similarTo"],
);

test("each class has a key of its own, where keys suffice", () => {
  assert.deepStrictEqual(keysOf(["3", "7", "cat"]), ["3", "7", "1"]);
  const letters = keysOf([..."ABCDEFGHIJKLMNOPQRSTUVWXYZ"]);
  assert.strictEqual(new Set(letters).size, 26);
  assert.ok(![..."ajknruvxyz"].some((key) => letters.includes(key)), "these are commands");
  assert.deepStrictEqual(keysOf(Array.from({ length: 27 }, (_, i) => `c${i}`)), []);
  assert.deepStrictEqual(keysOf(Array.from({ length: 11 }, (_, i) => `class ${i}`)), []);
});

test("of many classes the five likeliest are offered, the suggested one among them", () => {
  const likely = [9, 8, 7, 6, 5, 4].map((label) => [label, label]);
  assert.deepStrictEqual(offered(likely, 8, 30), [9, 8, 7, 6, 5]);
  assert.deepStrictEqual(offered(likely, 1, 30), [9, 8, 7, 6, 1]);
  assert.deepStrictEqual(offered(likely, -1, 30), [9, 8, 7, 6, 5]);
  assert.deepStrictEqual(offered([[3, 99], [1, 1]], 3, 30), [3, 1, 0, 2, 4], "five where fewer are likely");
  assert.deepStrictEqual(offered([], -1, 30), [0, 1, 2, 3, 4]);
});

test("agreement and kappa are those of audit merge", () => {
  const side = (...made) => new Map(made.map((each) => [each.row, each]));
  const mine = side(decision(10, "keep"), decision(11, "relabel", "1"), decision(12, "drop"), decision(13, "keep"));
  const theirs = side(decision(10, "relabel", "0"), decision(11, "relabel", "cat"), decision(12, "drop"), decision(15, "keep"));
  const { rows, agreed, kappa, differing } = agreementOf(mine, theirs);
  assert.deepStrictEqual([rows, agreed, [...differing]], [3, 2, [11]], "to change to the given class is to keep");
  assert.ok(Math.abs(kappa - (2 / 3 - 2 / 9) / (1 - 2 / 9)) < 1e-12);
  assert.strictEqual(agreementOf(mine, side()).kappa, null);
  assert.strictEqual(agreementOf(side(decision(10, "keep")), side(decision(10, "keep"))).kappa, null);
});

test("CSV quotes what needs it", () => {
  const text = csvOf([decision(10, "relabel", "cat", undefined, 'a "b",\nc')]);
  assert.strictEqual(text, 'id,row,given,suggested,action,label,note,time\r\n10,10,0,1,relabel,cat,"a ""b"",\nc",2026-01-01T00:00:00.000Z\r\n');
});

test("the command names the folder of a report that lies in its run", () => {
  const of = (address) => commandOf(new URL(address), "decisions.json");
  assert.strictEqual(of("file:///runs/mine/report.html#view:given=1"), "audit apply /runs/mine decisions.json --out corrected");
  assert.strictEqual(of("file:///my%20runs/it's/report.html"), "audit apply '/my runs/it'\\''s' decisions.json --out corrected");
  assert.strictEqual(of("file:///C:/runs/report.html"), "audit apply C:/runs decisions.json --out corrected");
  assert.strictEqual(of("https://example.org/report.html"), "audit apply RUN decisions.json --out corrected");
  assert.deepStrictEqual(["", "Ada L."].map((who) => fileName(who, "json")), ["decisions.json", "decisions-Ada-L-.json"]);
});

test("the pace leaves breaks out", () => {
  const at = (...seconds) => seconds.map((s) => new Date(1e12 + 1000 * s).toISOString());
  assert.deepStrictEqual(paceOf(at(0, 2, 4)), { seconds: 4, each: null });
  assert.deepStrictEqual(paceOf(at(0, 2, 4, 6, 8, 10, 5000, 5002)), { seconds: 12, each: 2 });
  assert.deepStrictEqual([20, 360, 5400].map(duration), ["less than a minute", "6 min", "1 h 30 min"]);
  assert.deepStrictEqual([20, 360].map(inAbout), ["Less than a minute", "About 6 min"]);
});

test("similar cards are those with the closest probabilities", () => {
  assert.deepStrictEqual(similarTo(data.cards.likely, 0).slice(0, 2), [0, 1]);
  assert.strictEqual(similarTo(data.cards.likely, 5)[1], 2);
});

test("one decision for several takes only cards of the list", () => {
  assert.deepStrictEqual(ofPair([0, 2, 5], data.cards, 0), [0]);
  assert.deepStrictEqual(ofPair([1, 0], data.cards, 0), [1, 0]);
  assert.deepStrictEqual(aboveChance([0, 1, 2, 3], data.cards, 70), [0, 1, 2]);
});
