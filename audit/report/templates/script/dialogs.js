// The dialogs: the search among all classes, one decision for several cards, and the list of keys.

const PREVIEWS = 120; // that come at a time

/** @param {HTMLDialogElement} dialog @param {(answer: string) => unknown} [then] */
function ask(dialog, then) {
  dialog.onsubmit = ({ submitter }) => { // the close event would come after the next key
    dialog.close();
    then?.(submitter?.getAttribute("value") ?? "");
  };
  dialog.showModal();
  dialog.scrollTop = 0; // its heading is to be seen, wherever the focus went
}

// ---- One of all classes
function askClass() {
  const problem = obstacle();
  if (problem) return say(problem);
  classFind.value = "";
  listClasses();
  ask(pickDialog, (answer) => answer && decide("relabel", Number(answer)));
}

function listClasses() {
  const text = classFind.value.trim().toLowerCase();
  const likeliest = hides(current) ? [] : likely[current].map(([label]) => label);
  const all = [...new Set([...likeliest, ...names.keys()])];
  the("class-list", HTMLElement).replaceChildren(...all.filter((label) => names[label].toLowerCase().includes(text)).map((label) => {
    const button = /** @type {HTMLButtonElement} */ (made("button", names[label]));
    button.value = String(label);
    button.dir = "auto";
    return button;
  }));
}

// ---- One decision for several cards
let offer = /** @type {number[]} */ ([]); // the cards that the dialog is about
const spared = /** @type {Set<number>} */ (new Set()); // those of them that a person took out

function askPair() {
  if (current < 0 || hides(current)) return;
  const [from, to] = [names[given[current]], names[suggested[current]]];
  askTogether(ofPair(undecided(), data.cards, current), `undecided of ${from} → ${to}`, `Keep all as ${from}`, `Change all to ${to}`);
}

function askList() {
  if (sealed) return;
  askTogether(undecided(), "undecided cards of this list", "Keep the given labels", "Do what each card proposes");
}

/** @param {number[]} open @param {string} what @param {string} keep @param {string} accept */
function askTogether(open, what, keep, accept) {
  const problem = obstacle();
  if (problem) return say(problem);
  const pair = accept.startsWith("Change");
  spared.clear();
  above.value = "0";
  above.oninput = () => drawTogether(aboveChance(open, data.cards, Number(above.value)), what, !pair);
  fill(togetherDialog, '[value="keep"]', keep);
  fill(togetherDialog, '[value="accept"]', accept);
  drawTogether(open, what, !pair);
  ask(togetherDialog, (answer) => {
    const proposed = answer === "accept" && !pair;
    const chosen = offer.filter((i) => !spared.has(i) && (!proposed || answers(i)));
    const action = /** @type {Answer} */ (answer);
    if (answer && chosen.length) commit(chosen, proposed ? answerOf : () => action);
    else focusCard();
  });
}

/** @param {number[]} open @param {string} what @param {boolean} proposed  whether an answer is what each card proposes */
function drawTogether(open, what, proposed) {
  offer = open;
  const count = () => fill(togetherDialog, "h2", `${number(offer.filter((i) => !spared.has(i)).length)} ${what}`);
  const first = proposed ? open.filter((i) => !answers(i)).length : 0;
  fill(togetherDialog, ".note", first ? `${counted(first, "card")} to be looked at first: “Do what each card proposes” decides nothing there.` : "");
  togetherDialog.querySelector("ul")?.replaceChildren();
  showPreviews(count);
  count();
}

/** Show the next cards of the offer, so that each of them can be taken out. @param {() => void} changed */
function showPreviews(changed) {
  const cells = /** @type {HTMLElement} */ (togetherDialog.querySelector("ul"));
  const from = cells.children.length;
  cells.append(...offer.slice(from, from + PREVIEWS).map((i) => preview(i, changed)));
  const more = the("previews", HTMLButtonElement);
  const hidden = offer.length - cells.children.length;
  more.hidden = !hidden;
  more.textContent = `Show ${number(Math.min(PREVIEWS, hidden))} more of ${number(hidden)}`;
  more.onclick = () => showPreviews(changed);
}

/** A card with a tick that takes it out. @param {number} i @param {() => void} changed */
function preview(i, changed) {
  const [item, label, box] = [document.createElement("li"), document.createElement("label"), document.createElement("input")];
  box.type = "checkbox";
  box.checked = !spared.has(i);
  item.classList.toggle("spared", !box.checked);
  box.addEventListener("change", () => {
    if (box.checked) spared.delete(i);
    else spared.add(i);
    item.classList.toggle("spared", !box.checked);
    changed();
  });
  const change = made("span", "", "change");
  change.append(made("bdi", names[given[i]]));
  if (!hides(i)) change.append(" ", made("bdi", `→ ${isolated(names[suggested[i]])}`));
  label.append(picture(i), box, " ", made("bdi", `#${ids[i]}`), change);
  label.title = `${spokenId(i)} ${change.textContent}`;
  item.append(label);
  return item;
}

// ---- Guidelines
function showGuidelines() {
  const guide = the("guide", HTMLDialogElement);
  fill(guide, ".guidelines", document.querySelector("#guidelines .guidelines")?.textContent ?? "");
  guide.onkeydown = (event) => { // the key that opened it
    if (event.key === "." && !event.repeat) guide.close();
  };
  ask(guide, focusCard);
}

// ---- Keys
function showHelp() {
  the("keys", HTMLElement).replaceChildren(...commandsHere().filter(({ keys: own }) => own.length).map(({ keys: own, words }) => {
    const line = document.createElement("tr");
    const head = made("th", "");
    head.setAttribute("scope", "row");
    head.append(...own.flatMap((key) => [made("kbd", keyName(key)), " "]));
    line.append(head, made("td", words));
    return line;
  }));
  ask(helpDialog, focusCard);
}
