const assert = require("node:assert");
const { test } = require("node:test");
const { load } = require("./load.js");

const { shortNames } = load(["names.js"], ["shortNames"]);

test("short names stay, long ones lose their middle", () => {
  assert.deepStrictEqual(shortNames(["cat", "a temple of heavenly harmony"], 12), ["cat", "a temp…rmony"]);
});

test("any two names differ when they are shortened", () => {
  const asked = Array.from({ length: 28 }, (_, i) => `a customer asks about part number ${String(i).padStart(2, "0")} of the order`);
  const middle = ["feature of the left side of it", "feature of the right side of it", "feature of the rift side of it"];
  for (const names of [asked, middle, ["abcdefgh1ijklmnop", "abcdefgh2ijklmnop", "xbcdefgh1ijklmnop"], ["כלב שמירה גדול מאוד", "כלב שמירה קטון מאוד"], ["same long name here", "same long name here"]]) {
    const short = shortNames(names, 10);
    assert.strictEqual(new Set(short).size, new Set(names).size, short.join(" | "));
  }
  assert.ok(shortNames(asked, 16).every((name) => name.length <= 16), shortNames(asked, 16)[3]);
  assert.ok(shortNames(asked, 16)[22].includes("22"));
});
