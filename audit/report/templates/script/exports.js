// Decisions for other programs: the name of the file, the same as CSV, and the command that applies it.

const CSV_COLUMNS = /** @type {const} */ (["id", "row", "given", "suggested", "action", "label", "note", "time"]);

/** @param {string} reviewer @param {string} ending */
function fileName(reviewer, ending) {
  const who = reviewer.replace(/[^\p{L}\p{N}]+/gu, "-");
  return `decisions${who && `-${who}`}.${ending}`;
}

/** @param {Decision[]} decisions */
function csvOf(decisions) {
  const lines = [[...CSV_COLUMNS], ...decisions.map((each) => CSV_COLUMNS.map((name) => each[name] ?? ""))];
  return lines.map((line) => `${line.map(csvCell).join(",")}\r\n`).join("");
}

/** @param {string | number} value */
function csvCell(value) {
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** The command for a report that was opened from its run's folder; RUN elsewhere. @param {URL | Location} address @param {string} file */
function commandOf(address, file) {
  const path = decodeURIComponent(address.pathname).replace(/^\/(?=[A-Za-z]:)/, "");
  const folder = address.protocol === "file:" && path.endsWith("/report.html") ? path.slice(0, -"/report.html".length) : "RUN";
  return `audit apply ${quoted(folder)} ${quoted(file)} --out corrected`;
}

/** @param {string} word */
function quoted(word) {
  return /^[\w./:@%+=,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
