// The same cards as a list: a line a card, with the columns that it can be sorted by.

const list = the("list", HTMLTableElement);
const lines = /** @type {Map<number, HTMLTableRowElement>} */ (new Map());
const rowOf = (/** @type {number} */ i) => lines.get(i);

function emptyList() {
  lines.clear();
  list.tBodies[0].replaceChildren();
  for (const button of list.querySelectorAll("[data-sort]")) {
    const name = button.getAttribute("data-sort") ?? "";
    const turned = view.sort === `-${name}`;
    const sorts = turned || view.sort === name;
    // The likeliest errors come first, so that this column falls where the others rise.
    button.closest("th")?.setAttribute("aria-sort", !sorts ? "none" : turned === (name === "chance") ? "ascending" : "descending");
  }
}

/** @param {number} i */
function addRow(i) {
  if (list.hidden) return;
  const line = document.createElement("tr");
  line.tabIndex = -1;
  line.dataset.at = String(i);
  for (const head of list.querySelectorAll("thead th")) {
    const cell = line.insertCell();
    cell.dataset.column = head.getAttribute("data-column") ?? "";
    cell.toggleAttribute("data-open", head.hasAttribute("data-open"));
    cell.append(made("bdi", ""));
  }
  lines.set(i, line);
  list.tBodies[0].append(line);
  paintRow(i);
}

/** The text of a card, or its most unusual values. @param {number} i */
function inWords(i) {
  const values = [...cards[i].querySelectorAll(".values tbody tr")].map((line) => `${line.querySelector("th")?.title} ${line.querySelector("td")?.textContent}`);
  return values.join(", ") || (cards[i].querySelector(".look > .text")?.textContent ?? "");
}

/** @param {number} i */
function paintRow(i) {
  const hidden = hides(i);
  const { fold } = data.cards;
  /** @type {Record<string, string>} */
  const texts = { id: `#${ids[i]}`, example: inWords(i), given: names[given[i]], fold: String(fold[i]), verdict: verdict(decisionOf(i)) };
  if (!hidden) Object.assign(texts, { suggested: names[suggested[i]], chance: chance(i), kind: data.kinds[kinds[i]]?.name });
  for (const cell of lines.get(i)?.cells ?? []) {
    fill(cell, "bdi", texts[cell.dataset.column ?? ""] ?? "");
    cell.title = cell.textContent ?? "";
  }
}

function switchList() {
  list.hidden = !list.hidden;
  grid.hidden = !list.hidden;
  tools.querySelector('[data-act="list"]')?.setAttribute("aria-pressed", String(grid.hidden));
  refilter();
  go(current);
}

/** Sort by a column, the other way round when it sorts already. @param {string} column */
function sortList(column) {
  show({ sort: view.sort === column ? `-${column}` : column });
}
