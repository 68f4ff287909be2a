// One table of all that keys, buttons and menu entries do. The buttons' hints and the list of keys are made of it.

/**
 * @typedef {object} Command
 * @property {string} id  what a button's data-act names
 * @property {string[]} keys  as event.key has them, with Ctrl+ and Shift+ before
 * @property {string} words  for the list of keys
 * @property {() => void} run
 * @property {boolean} [repeats]  whether a key that is held down does it again and again
 * @property {() => boolean} [when]  whether the page has what it is about; always, where it is left out
 * @property {boolean} [within]  whether its key counts only within the review, because it does something elsewhere
 */

/** @type {Command[]} */
const COMMANDS = [
  { id: "propose", keys: ["y"], words: "do what the first button says: what the card proposes", run: () => runFirst() },
  { id: "keep", keys: ["Enter"], words: "keep the given label", run: () => decide("keep") },
  { id: "ambiguous", keys: ["a"], words: "ambiguous: no label is right", run: () => decide("ambiguous") },
  { id: "drop", keys: ["x"], words: "drop the row", run: () => decide("drop") },
  { id: "pick", keys: ["r", "/"], words: "search among all classes", run: () => askClass() },
  { id: "undo", keys: ["u", "Ctrl+z"], words: "undo the last decision, step by step", run: () => undo() },
  { id: "redo", keys: ["Ctrl+Shift+z", "Ctrl+y"], words: "do again what was undone", run: () => redo() },
  { id: "clear", keys: ["Delete"], words: "make the card undecided again", run: () => clearDecision() },
  { id: "next", keys: ["j"], words: "next card", run: () => step(1), repeats: true },
  { id: "previous", keys: ["k"], words: "previous card", run: () => step(-1), repeats: true },
  { id: "right", keys: ["ArrowRight"], words: "next card", run: () => step(1), repeats: true, within: true },
  { id: "left", keys: ["ArrowLeft"], words: "previous card", run: () => step(-1), repeats: true, within: true },
  { id: "below", keys: ["ArrowDown"], words: "the card below", run: () => step(lineLength()), repeats: true, within: true },
  { id: "above", keys: ["ArrowUp"], words: "the card above", run: () => step(-lineLength()), repeats: true, within: true },
  { id: "mark", keys: ["v"], words: "select the card; Shift and a click select all up to there, and the next decision applies to all of them", run: () => fixed() ? say(ENDED_LINE) : mark(current, !marked.has(current)) },
  { id: "unmark", keys: ["Escape"], words: "clear the selection", run: () => stepAside() },
  { id: "note", keys: ["n"], words: "write a note; Enter goes back to the card", run: () => writeNote() },
  { id: "zoom", keys: ["z"], words: "enlarge the card; again to close", run: () => enlarge() },
  { id: "guidelines", keys: ["."], words: "read the guidelines", run: () => showGuidelines(), when: () => hasGuidelines },
  { id: "help", keys: ["?"], words: "show this list", run: () => showHelp() },
  { id: "close", keys: [], words: "", run: () => focusCard() },
  { id: "pair", keys: [], words: "", run: () => askPair() },
  { id: "bulk", keys: [], words: "", run: () => askList() },
  { id: "similar", keys: [], words: "", run: () => show({ like: ids[current], sort: "page" }) },
  { id: "copy", keys: [], words: "", run: () => copyId() },
  { id: "more", keys: [], words: "", run: () => showUpTo(limit + MORE) },
  { id: "filters", keys: [], words: "", run: () => toggleFilters() },
  { id: "list", keys: [], words: "", run: () => switchList() },
  { id: "whole", keys: [], words: "", run: () => show({ ...WHOLE, sort: view.sort }) },
  { id: "export", keys: [], words: "", run: () => exportFile() },
  { id: "json", keys: [], words: "", run: () => exportFile() },
  { id: "csv", keys: [], words: "", run: () => exportCsv() },
  { id: "import", keys: [], words: "", run: () => chooseFile(takeOver) },
  { id: "compare", keys: [], words: "", run: () => chooseFile(openBeside) },
  { id: "differs", keys: [], words: "", run: () => onlyDiffering() },
  { id: "summary", keys: [], words: "", run: () => showSummary(end.hidden) },
  { id: "command", keys: [], words: "", run: () => copy(command()) },
  { id: "unseal", keys: [], words: "", run: () => unseal() },
];

/** The commands that this page has something for. */
function commandsHere() {
  return COMMANDS.filter(({ when }) => !when || when());
}

/** The command of a key, as a person pressed it. @param {{key: string, ctrlKey: boolean, metaKey: boolean, shiftKey: boolean}} event */
function commandOfKey({ key, ctrlKey, metaKey, shiftKey }) {
  const plain = key.length === 1 ? key.toLowerCase() : key;
  const pressed = ctrlKey || metaKey ? `Ctrl+${shiftKey ? "Shift+" : ""}${plain}` : plain;
  return commandsHere().find(({ keys: own }) => own.includes(pressed));
}

/** How a key is called. @param {string} key */
function keyName(key) {
  const arrows = { ArrowRight: "→", ArrowLeft: "←", ArrowDown: "↓", ArrowUp: "↑", Escape: "Esc", Delete: "Del" };
  return arrows[/** @type {keyof arrows} */ (key)] ?? key.replace("Ctrl+Shift+z", "Ctrl+Shift+Z").replace("Ctrl+z", "Ctrl+Z").replace("Ctrl+y", "Ctrl+Y");
}

/** @param {string} id */
function run(id) {
  COMMANDS.find((each) => each.id === id)?.run();
}

/** Do what the first button does: the proposal, or the choice of a class while that is hidden. */
function runFirst() {
  if (targets().some(hides)) askClass();
  else propose();
}
