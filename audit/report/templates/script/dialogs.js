// The dialogs: the search among all classes, one decision for several cards, and the list of keys.

const MOST_PREVIEWS = 120;

/** @param {HTMLDialogElement} dialog @param {(answer: string) => unknown} [then] */
function ask(dialog, then) {
  dialog.onsubmit = ({ submitter }) => { // the close event would come after the next key
    dialog.close();
    then?.(submitter?.getAttribute("value") ?? "");
  };
  dialog.showModal();
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
  above.oninput = () => drawTogether(aboveChance(open, data.cards, Number(above.value)), what);
  fill(togetherDialog, '[value="keep"]', keep);
  fill(togetherDialog, '[value="accept"]', accept);
  drawTogether(open, what);
  ask(togetherDialog, (answer) => {
    const proposed = answer === "accept" && !pair;
    const chosen = offer.filter((i) => !spared.has(i) && (!proposed || answers(i)));
    const action = /** @type {Answer} */ (answer);
    if (answer && chosen.length) commit(chosen, proposed ? answerOf : () => action);
    else focusCard();
  });
}

/** @param {number[]} open @param {string} what */
function drawTogether(open, what) {
  offer = open;
  const count = () => fill(togetherDialog, "h2", `${number(offer.filter((i) => !spared.has(i)).length)} ${what}`);
  togetherDialog.querySelector("ul")?.replaceChildren(...open.slice(0, MOST_PREVIEWS).map((i) => preview(i, count)));
  const hidden = open.length - MOST_PREVIEWS;
  fill(togetherDialog, ".note", hidden > 0 ? `The first ${MOST_PREVIEWS} are shown; the decision is for ${number(hidden)} more.` : "");
  count();
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
  const to = hides(i) ? "" : ` → ${names[suggested[i]]}`;
  label.append(picture(i), box, made("bdi", `#${ids[i]}`), made("bdi", `${names[given[i]]}${to}`));
  item.append(label);
  return item;
}

// ---- Keys
function showHelp() {
  the("keys", HTMLElement).replaceChildren(...COMMANDS.filter(({ keys: own }) => own.length).map(({ keys: own, words }) => {
    const line = document.createElement("tr");
    const head = made("th", "");
    head.setAttribute("scope", "row");
    head.append(...own.flatMap((key) => [made("kbd", keyName(key)), " "]));
    line.append(head, made("td", words));
    return line;
  }));
  ask(helpDialog, focusCard);
}
