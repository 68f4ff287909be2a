// The dialogs: one decision for a whole cell, and the search among all classes.

/** The undecided cards with the same given and the same suggested class. @param {number} i */
function cellOf(i) {
  const same = (/** @type {number} */ j) => given[j] === given[i] && suggested[j] === suggested[i];
  return cards.flatMap((_, j) => (same(j) && !decisionOf(j) ? [j] : []));
}

function askCell() {
  const touched = cellOf(current);
  const [from, to] = [names[given[current]], names[suggested[current]]];
  fill(cellDialog, "h2", `${number(touched.length)} undecided of ${from} → ${to}`);
  fill(cellDialog, '[value="keep"]', `Keep all as ${from}`);
  fill(cellDialog, '[value="accept"]', `Change all to ${to}`);
  cellDialog.querySelector("ul")?.replaceChildren(...touched.slice(0, MOST_PREVIEWS).map((i) => {
    const [item, id] = [document.createElement("li"), document.createElement("p")];
    id.textContent = `#${ids[i]}`;
    item.append(...[cards[i].querySelector(".look > .thumb")?.cloneNode(true) ?? ""], id);
    return item;
  }));
  fill(cellDialog, ".note", touched.length > MOST_PREVIEWS ? `The first ${MOST_PREVIEWS} are shown.` : "");
  ask(cellDialog, (answer) => answer && commit(touched, /** @type {Action | "accept"} */ (answer)));
}

/** @param {HTMLDialogElement} dialog @param {(answer: string) => unknown} [then] */
function ask(dialog, then) {
  dialog.onsubmit = ({ submitter }) => { // the close event would come after the next key
    dialog.close();
    then?.(submitter?.getAttribute("value") ?? "");
  };
  dialog.showModal();
}

function askClass() {
  classFind.value = "";
  listClasses();
  ask(pickDialog, (answer) => answer && decide("relabel", Number(answer)));
}

function listClasses() {
  const text = classFind.value.trim().toLowerCase();
  the("class-list", HTMLElement).replaceChildren(...names.map((name, label) => {
    const button = document.createElement("button");
    [button.value, button.textContent] = [String(label), name];
    return button;
  }).filter((button) => button.textContent?.toLowerCase().includes(text)));
}
