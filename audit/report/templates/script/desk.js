// The desk: the current card, and what can be decided about it. Each part has its place, so that no button moves.

const SHORT = 12; // letters of a class on its button
const ON_ANSWERS = 48; // on the two large buttons
const BESIDE = 24; // where these stand side by side

/** What the card proposes; without a kind it is to take the suggested class. @param {number} i @returns {Proposal} */
const proposalOf = (i) => data.kinds[kinds[i]]?.proposes ?? "accept";
const answers = (/** @type {number} */ i) => !["inspect", "both"].includes(proposalOf(i));
const answerOf = (/** @type {number} */ i) => /** @type {Answer} */ (proposalOf(i));

/** What the first button says. @param {number} i @param {string} from @param {string} to  how the classes are called there */
function proposalWords(i, from = names[given[i]], to = names[suggested[i]]) {
  if (hides(i)) return "Choose another class …";
  const words = { accept: `Change to ${to}`, keep: `Keep ${from}`, ambiguous: "Set aside as ambiguous", drop: "Drop the row", inspect: "Inspect it …", both: "Decide both …" };
  return words[proposalOf(i)];
}

function drawPanel() {
  panel.classList.toggle("empty", current < 0);
  if (current < 0) return;
  const [i, decided] = [current, decisionOf(current)];
  panel.classList.toggle("decided", Boolean(decided));
  panel.dataset.outcome = outcome(i);
  look.replaceChildren(...[...(cards[i].querySelector(".look")?.children ?? [])].map((each) => each.cloneNode(true)));
  fill(panel, ".pair .given", names[given[i]]);
  fill(panel, ".pair .suggested", names[suggested[i]]);
  fill(panel, ".p", `${chance(i)} chance wrong`);
  const kind = [".kind b", ".why"].map((part) => cards[i].querySelector(part)?.textContent);
  fill(panel, ".why", kind.filter(Boolean).join(": "));
  fill(panel, ".votes", cards[i].querySelector(".votes")?.textContent ?? "");
  fill(panel, ".verdict", verdict(decided));
  fillId(panel, ".id", i);
  const theirs = other ? `${other.name}: ${verdict(other.decisions.get(rows[i]), true)} · ` : "";
  fill(panel, ".at", `${theirs}${number(place[i] + 1)} of ${number(order.length)}`);
  look.querySelector(":scope > .text")?.setAttribute("tabindex", "0"); // to be scrolled by keys
  for (const text of look.querySelectorAll(".near .text")) text.setAttribute("title", text.textContent ?? "");
  drawAnswers(i);
  note.value = book.noteOf(rows[i]);
  drawChoices(i);
}

/** @param {number} i */
function drawAnswers(i) {
  const keep = `Keep ${names[given[i]]}`;
  const side = document.body.classList.contains("photos");
  const [from, to] = shortNames([names[given[i]], names[suggested[i]]], side ? BESIDE : ON_ANSWERS);
  fillAnswer("propose", proposalWords(i, from, to), proposalWords(i));
  fillAnswer("keep", `Keep ${from}`, keep);
  fill(panel, ".swipe.left", keep);
  fill(panel, ".swipe.right", proposalWords(i));
  const others = ofPair(undecided(), data.cards, i).length;
  const same = the("same", HTMLButtonElement);
  same.hidden = hides(i) || others < 2;
  same.textContent = `Decide all ${number(others)} of ${names[given[i]]} → ${names[suggested[i]]} …`;
  same.title = same.textContent;
}

/** @param {string} act @param {string} words @param {string} whole  with the names of the classes in full */
function fillAnswer(act, words, whole) {
  const button = /** @type {HTMLButtonElement} */ (panel.querySelector(`[data-act="${act}"]`));
  fill(button, "span", words);
  button.title = whole;
  button.setAttribute("aria-label", whole);
}

/** The classes to choose from, with what the models think of them behind each. @param {number} i */
function drawChoices(i) {
  const hidden = hides(i);
  const likelihood = new Map(hidden ? [] : likely[i]);
  const few = keys.length ? names.map((_, label) => label) : offered(hidden ? [] : likely[i], hidden ? -1 : suggested[i], names.length);
  const chosen = decisionOf(i)?.action === "relabel" ? names.indexOf(decisionOf(i)?.label ?? "") : decisionOf(i)?.action === "keep" ? given[i] : -1;
  while (choices.children.length > few.length) choices.lastChild?.remove();
  while (choices.children.length < few.length) choices.append(the("choice", HTMLTemplateElement).content.cloneNode(true));
  const short = shortNames(few.map((label) => names[label]), SHORT);
  few.forEach((label, at) => {
    const button = /** @type {HTMLButtonElement} */ (choices.children[at]);
    const key = keys[label] ?? String(at + 1);
    const share = likelihood.get(label) ?? 0;
    button.value = String(label);
    button.disabled = fixed();
    button.title = hidden ? names[label] : `${names[label]}: ${share} % likely`;
    button.setAttribute("aria-label", button.title);
    button.setAttribute("aria-keyshortcuts", key);
    button.setAttribute("aria-pressed", String(label === chosen));
    fill(button, "kbd", key === names[label] ? "" : key);
    fill(button, "span", short[at]);
    button.style.setProperty("--share", `${share}%`);
    button.classList.toggle("is-given", label === given[i]);
    button.classList.toggle("is-suggested", label === suggested[i] && !hidden);
  });
}

function enlarge() {
  if (current < 0) return;
  fill(largeDialog, "#large-title", `#${ids[current]}`);
  const original = the("original", HTMLAnchorElement);
  const { file: address = "" } = cards[current].dataset;
  original.hidden = !address;
  original.href = address;
  const shown = cards[current].querySelector(".look > .thumb");
  const copies = shown ? [shown] : [...(cards[current].querySelector(".look")?.children ?? [])];
  largeDialog.querySelector(".look")?.replaceChildren(...copies.map((each) => each.cloneNode(true)));
  ask(largeDialog);
  const large = /** @type {HTMLElement | null} */ (largeDialog.querySelector(".thumb"));
  if (!large) return;
  const scale = Number(getComputedStyle(large).getPropertyValue("--scale"));
  const { width, height } = large.getBoundingClientRect();
  large.style.setProperty("--scale", String(scale * Math.min((innerWidth * 0.86) / width, (innerHeight * 0.76) / height)));
}

/** Where the desk has no room for the note and the decision for all, the menu has both. */
function placeExtras() {
  if (stacked.matches) sheet.prepend(extras, stopLabel);
  else panel.querySelector(".small-actions")?.before(extras);
  if (!stacked.matches) left.after(" ", stopLabel);
}

function writeNote() {
  menu.open ||= stacked.matches;
  note.focus();
}

function copyId() {
  if (current >= 0) copy(ids[current]);
}

/** @param {string} text */
function copy(text) {
  const area = made("textarea", text);
  document.body.append(area);
  /** @type {HTMLTextAreaElement} */ (area).select();
  document.execCommand("copy"); // the other way is closed to pages that are files
  area.remove();
  focusCard();
  say(`Copied: ${isolated(text)}`);
}
