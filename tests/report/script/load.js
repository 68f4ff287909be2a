// The page's script is no module: its files share one scope. A test names the files that it needs.

const fs = require("node:fs");
const path = require("node:path");
const vm = require("node:vm");

const FOLDER = path.join(__dirname, "../../../audit/report/templates/script");

exports.load = (files, names) => {
  const source = files.map((name) => fs.readFileSync(path.join(FOLDER, name), "utf8")).join("\n");
  return vm.runInThisContext(`(() => { ${source}\nreturn { ${names.join(", ")} }; })()`);
};

// Six suspects of three classes.
exports.data = {
  run: "r", fingerprint: "f", data: "d", class_names: ["0", "1", "cat"], blind: false, sample: [2, 0], kinds: {},
  cards: {
    row: [10, 11, 12, 13, 14, 15], id: ["10", "11", "12", "x9", "x10", "15"], given: [0, 0, 1, 1, 2, 0],
    suggested: [1, 1, 2, 0, 0, 2], p_error: [0.9, 0.8, 0.7, 0.6, 0.5, 0.4], kind: [0, 1, 0, 1, 0, 1],
    fold: [0, 1, 0, 1, 0, 1], part: [0, 0, 0, 1, 1, 1], people: [[0], [0, 1], [1], [], [0], [1]],
    likely: [[[1, 90], [0, 10]], [[1, 80], [0, 20]], [[2, 70], [1, 30]], [[0, 99]], [[0, 60], [2, 40]], [[2, 100]]],
  },
};

exports.decision = (row, action, label = null, time = "2026-01-01T00:00:00.000Z", note = "") => {
  const { cards, class_names: names } = exports.data;
  const i = cards.row.indexOf(row);
  return { id: cards.id[i], row, given: names[cards.given[i]], suggested: names[cards.suggested[i]], action, label, note, time };
};

// A browser's storage, as far as the page uses it: its keys are its own properties.
exports.storage = () => Object.create({
  getItem(key) { return this[key] ?? null; },
  setItem(key, text) { this[key] = String(text); },
  removeItem(key) { delete this[key]; },
});
