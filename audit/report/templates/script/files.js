// Files of decisions: export and import.

function exportFile() {
  const content = book.file(reviewer.value.trim());
  const link = document.createElement("a");
  const who = content.reviewer.replace(/[^\p{L}\p{N}]+/gu, "-");
  link.download = who ? `decisions-${who}.json` : "decisions.json";
  link.href = URL.createObjectURL(new Blob([JSON.stringify(content, null, 1)], { type: "application/json" }));
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  book.unsaved = false;
  say(`Exported ${number(content.decisions.length)} decisions as ${link.download}.`);
}

/** @param {File} chosen */
async function importFile(chosen) {
  const content = await chosen.text().then(JSON.parse).catch(() => null);
  const problem = problemOf(content, data, book.places);
  if (problem) return warn(`${chosen.name} was not imported: ${problem}.`);
  const [fresh, later] = book.merge(content.decisions);
  warn("");
  content.decisions.forEach((/** @type {Decision} */ { row }) => paint(book.places.get(row) ?? -1));
  refilter();
  const counts = [fresh, later, content.decisions.length - fresh - later].map(number);
  say(`${chosen.name}: ${counts[0]} new, ${counts[1]} newer than yours, ${counts[2]} skipped.`);
}
