// Rows elsewhere on the page that can be decided too: duplicates with different labels, and false alarms. Where a
// row has a card, its button leads there; else a dialog takes the decision. Labels changed on purpose have none.

const rowDialog = the("row", HTMLDialogElement);
const otherClass = the("row-class", HTMLSelectElement);
const otherRows = new Map(data.others.row.map((row, at) => [row, at]));
const decideButtons = /** @type {Map<HTMLButtonElement, number>} */ (new Map()); // the row of each

function offerOthers() {
  for (const element of document.querySelectorAll("[data-row]")) {
    const row = Number(element.getAttribute("data-row"));
    if (data.blind || !(otherRows.has(row) || book.places.has(row))) continue;
    const button = /** @type {HTMLButtonElement} */ (made("button", "", "plain decide"));
    button.type = "button";
    decideButtons.set(button, row);
    element.append(button);
  }
  names.forEach((name, label) => otherClass.add(new Option(name, String(label))));
  paintOthers();
}

/** Say on each button what was decided of its row. */
function paintOthers() {
  for (const [button, row] of decideButtons) {
    button.textContent = verdict(book.decisions.get(row)) || "Decide";
    button.setAttribute("aria-label", `${idOf(row)}: ${verdict(book.decisions.get(row), true)}. Decide`);
  }
}

/** Go to a row among the duplicates; whether the page shows it there. @param {number} row */
function showTwin(row) {
  const button = /** @type {HTMLElement | null} */ (document.querySelector(`#twins [data-row="${row}"] .decide`));
  button?.scrollIntoView({ behavior: "instant", block: "center" });
  button?.focus();
  return Boolean(button);
}

/** @param {number} row */
function idOf(row) {
  const at = otherRows.get(row);
  return isolated(`#${at === undefined ? ids[book.places.get(row) ?? -1] ?? row : data.others.id[at]}`);
}

/** @param {HTMLButtonElement} button @param {number} row @param {MouseEvent} event */
function askRow(button, row, event) {
  const at = otherRows.get(row);
  if (at === undefined) return openRow(row, event);
  const [from, to] = [data.others.given[at], data.others.suggested[at]];
  fill(rowDialog, "h2", `${idOf(row)}, given ${names[from]}`);
  fill(rowDialog, '[value="keep"]', `Keep ${names[from]}`);
  const accept = /** @type {HTMLButtonElement} */ (rowDialog.querySelector('[value="accept"]'));
  accept.hidden = from === to;
  accept.textContent = `Change to ${names[to]}`;
  const shown = button.parentElement?.querySelector(".thumb, .text");
  rowDialog.querySelector(".look")?.replaceChildren(shown?.cloneNode(true) ?? "");
  ask(rowDialog, (answer) => {
    if (answer) decideRow(at, answer);
    button.focus();
  });
}

/** @param {number} at @param {string} answer */
function decideRow(at, answer) {
  const { row, id, given: from, suggested: to } = data.others;
  if (answer === "clear") book.clear([row[at]]);
  else {
    const label = answer === "accept" ? to[at] : answer === "relabel" ? Number(otherClass.value) : from[at];
    const action = answer === "ambiguous" || answer === "drop" ? answer : label === from[at] ? "keep" : "relabel";
    book.decide([{
      id: id[at], row: row[at], given: names[from[at]], suggested: names[to[at]], action,
      label: action === "relabel" ? names[label] : null, note: book.noteOf(row[at]), time: new Date().toISOString(),
    }]);
  }
  summarise();
  say(`${idOf(row[at])}: ${verdict(book.decisions.get(row[at]), true)}.`);
}
