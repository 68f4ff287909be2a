const assert = require("node:assert");
const { test } = require("node:test");
const { data, decision, load } = require("./load.js");

const { WHOLE, fitting, hashOf, passing, setFilters, sorted, viewOf } = load(
  ["decisions.js", "similar.js", "filters.js"], ["WHOLE", "fitting", "hashOf", "passing", "setFilters", "sorted", "viewOf"],
);
const made = new Map([[0, decision(10, "keep")], [1, decision(11, "drop")]]);
const facts = { data, words: data.cards.id.map((id) => id.toLowerCase()), decided: (i) => made.get(i), differing: new Set([12]) };
const shown = (changes) => {
  const view = { ...WHOLE, ...changes };
  return sorted(view, passing(view, setFilters(view), facts), facts);
};

test("each filter leaves the cards that it names", () => {
  const cases = [
    [{}, [0, 1, 2, 3, 4, 5]], [{ show: "open" }, [2, 3, 4, 5]], [{ show: "decided" }, [0, 1]], [{ show: "drop" }, [1]],
    [{ given: "0" }, [0, 1, 5]], [{ suggested: "2" }, [2, 5]], [{ given: "0", suggested: "1" }, [0, 1]],
    [{ kind: "1" }, [1, 3, 5]], [{ fold: "1" }, [1, 3, 5]], [{ part: "1" }, [3, 4, 5]], [{ person: "1" }, [1, 2, 5]],
    [{ from: "60", to: "80" }, [1, 2, 3]], [{ find: "X" }, [3, 4]], [{ find: " #15 " }, [5]], [{ differs: "1" }, [2]],
    [{ rows: "11,15,1" }, [1, 5]],
  ];
  for (const [view, cards] of cases) assert.deepStrictEqual(shown(view), cards, JSON.stringify(view));
});

test("cards are sorted as the view says, equal ones as on the page", () => {
  const cases = [
    ["sample", [2, 0, 1, 3, 4, 5]], ["pair", [0, 1, 5, 3, 2, 4]], ["id", [0, 1, 2, 5, 3, 4]], ["-id", [4, 3, 5, 2, 1, 0]],
    ["chance", [0, 1, 2, 3, 4, 5]], ["-chance", [5, 4, 3, 2, 1, 0]], ["kind", [0, 2, 4, 1, 3, 5]], ["nonsense", [0, 1, 2, 3, 4, 5]],
  ];
  for (const [sort, cards] of cases) assert.deepStrictEqual(shown({ sort }), cards, sort);
});

test("cards like one come with the closest first", () => {
  assert.deepStrictEqual(shown({ like: "10" }).slice(0, 2), [0, 1]);
  assert.deepStrictEqual(shown({ like: "10", given: "1" }).every((i) => data.cards.given[i] === 1), true);
});

test("a view outlives the address that it is put in", () => {
  const view = { ...WHOLE, show: "open", given: "2", find: "a & b=ü#", sort: "-id", card: "x 9" };
  assert.deepStrictEqual(viewOf(hashOf(view), false), view);
  assert.deepStrictEqual(viewOf("#view:", false), WHOLE);
  assert.strictEqual(viewOf("#classes", false), null);
  assert.deepStrictEqual(viewOf("#view:evil=1&given=1", false), { ...WHOLE, given: "1" });
});

test("a blind review takes no filter from an address that tells what is hidden", () => {
  assert.deepStrictEqual(viewOf("#view:given=1&kind=2&suggested=1&from=50&sort=chance", true), { ...WHOLE, given: "1" });
});

test("what a page does not have is left out of a view, and named", () => {
  const asked = { ...WHOLE, show: "evil", given: "99", suggested: "2", kind: "x", fold: "1", part: "-1", from: "10", to: "abc", like: "none", find: "a", sort: "evil" };
  const [view, missing] = fitting(asked, { ...data, kinds: { 1: {} }, parts: ["a"], people: [] });
  assert.deepStrictEqual(view, { ...WHOLE, suggested: "2", fold: "1", from: "10", find: "a" });
  assert.deepStrictEqual(missing, ["show evil", "given 99", "kind x", "part -1", "to abc", "like none", "sort evil"]);
  assert.deepStrictEqual(fitting({ ...WHOLE, sort: "-id" }, data), [{ ...WHOLE, sort: "-id" }, []]);
  assert.deepStrictEqual(fitting({ ...WHOLE, rows: "11,15" }, data), [{ ...WHOLE, rows: "11,15" }, []]);
  assert.deepStrictEqual(fitting({ ...WHOLE, rows: "1,evil" }, data), [WHOLE, ["rows 1,evil"]]);
});

test("what every object has is no order, kind or filter of an address", () => {
  for (const name of ["constructor", "toString", "-valueOf", "__proto__"]) {
    const [view, missing] = fitting(viewOf(`#view:sort=${name}&kind=${name}&fold=${name}&${name}=1`, false), data);
    assert.deepStrictEqual(view, WHOLE);
    assert.deepStrictEqual(missing, [`kind ${name}`, `fold ${name}`, `sort ${name}`]);
    assert.deepStrictEqual(shown({ sort: name }).length, 6);
  }
});
