// Files of decisions: export, import, and a second reviewer's file beside one's own.

/** @param {string} name @param {string} kind @param {string} text */
function save(name, kind, text) {
  const link = document.createElement("a");
  link.download = name;
  link.href = URL.createObjectURL(new Blob([text], { type: kind }));
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

function exportFile() {
  const content = book.file(reviewer.value.trim());
  const name = fileName(content.reviewer, "json");
  save(name, "application/json", JSON.stringify(content, null, 1));
  book.unsaved = false;
  savedOnce = true;
  showSummary(true);
  say(`Exported ${counted(content.decisions.length, "decision")} as ${name}.`);
}

function exportCsv() {
  const content = book.file(reviewer.value.trim());
  const name = fileName(content.reviewer, "csv");
  save(name, "text/csv", csvOf(content.decisions));
  say(`Saved ${counted(content.decisions.length, "decision")} as ${name}. audit apply reads the JSON.`);
}

/** What to do with the file that is chosen next. @type {(content: any, name: string) => void} */
let take = takeOver;

/** @param {(content: any, name: string) => void} then */
function chooseFile(then) {
  take = then;
  menu.open = false;
  file.value = "";
  file.click();
}

/** @param {File} chosen */
async function readFile(chosen) {
  const content = await chosen.text().then(JSON.parse).catch(() => null);
  const problem = problemOf(content, data, book.places);
  warn(problem ? `${chosen.name} was not imported: ${problem}.` : "");
  if (!problem) take(content, chosen.name);
}

/** @param {{decisions: Decision[]}} content @param {string} name */
function takeOver(content, name) {
  if (fixed()) return warn(`${name} was not imported: the blind review has ended, and its decisions stay as they were.`);
  const [fresh, later] = book.merge(content.decisions);
  content.decisions.forEach(({ row }) => paint(book.places.get(row) ?? -1));
  refilter();
  const counts = [fresh, later, content.decisions.length - fresh - later].map(number);
  say(`${name}: ${counts[0]} new, ${counts[1]} newer than yours, ${counts[2]} skipped.`);
}

// ---- A second reviewer
/** @type {{name: string, decisions: Map<number, Decision>} | null} */
let other = null;

/** @param {{reviewer: string, decisions: Decision[]}} content @param {string} name */
function openBeside(content, name) {
  other = { name: content.reviewer || name, decisions: new Map(content.decisions.map((each) => [each.row, each])) };
  refilter();
  say(`${name} is open beside your decisions; nothing of yours was changed.`);
}

/** Say how far both reviewers agree, which every decision may change. */
function compareNow() {
  second.hidden = !other;
  if (!other) return;
  const { rows: both, agreed, kappa, differing } = agreementOf(book.decisions, other.decisions);
  facts.differing = differing;
  const how = kappa === null ? "" : `, kappa ${kappa.toFixed(2)}`;
  fill(second, "span", both ? `You and ${other.name} agree on ${number(agreed)} of ${number(both)} rows${how}.` : `You and ${other.name} have decided no row in common yet.`);
  second.querySelector("button")?.setAttribute("aria-pressed", String(view.differs === "1"));
}

function onlyDiffering() {
  show({ differs: view.differs ? "" : "1" });
}
