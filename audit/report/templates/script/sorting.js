// Tables of the page whose columns sort: names rise at first, numbers fall, and another click turns the order round.

/** The number that a cell begins with; none where it begins with something else. @param {string} text */
const numberIn = (text) => parseFloat(text.trim().replaceAll(",", ""));

/** Compare two cells; those without a number come last. @param {string} one @param {string} other @param {boolean} falls */
function compareNumbers(one, other, falls) {
  const [a, b] = [numberIn(one), numberIn(other)];
  if (isNaN(a) || isNaN(b)) return Number(isNaN(a)) - Number(isNaN(b));
  return falls ? b - a : a - b;
}

/** @param {HTMLTableElement} table @param {number} column @param {boolean} falls */
function sortRows(table, column, falls) {
  const text = (/** @type {HTMLTableRowElement} */ row) => row.cells[column].textContent ?? "";
  const rows = [...table.tBodies[0].rows];
  const named = rows.every((row) => row.cells[column].tagName === "TH");
  const ordered = rows.sort((a, b) => named
    ? (falls ? -1 : 1) * natural.compare(text(a), text(b))
    : compareNumbers(text(a), text(b), falls));
  table.tBodies[0].append(...ordered);
}

/** @param {HTMLTableElement} table */
function offerSorting(table) {
  const heads = [...table.tHead?.rows[0].cells ?? []];
  heads.forEach((head, column) => {
    const button = /** @type {HTMLButtonElement} */ (made("button", "", "plain"));
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const before = head.getAttribute("aria-sort");
      const falls = before ? before === "ascending" : column > 0;
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", falls ? "descending" : "ascending");
      sortRows(table, column, falls);
    });
  });
}

for (const table of document.querySelectorAll("table[data-sorts]")) offerSorting(/** @type {HTMLTableElement} */ (table));
