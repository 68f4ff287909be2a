// The review panel: the current card and what can be decided about it.

/** @param {number} i */
function select(i) {
  cards[current]?.removeAttribute("aria-current");
  cards[current]?.setAttribute("tabindex", "-1");
  current = i;
  showUpTo((place[i] ?? 0) + AHEAD);
  cards[i]?.setAttribute("aria-current", "true");
  cards[i]?.setAttribute("tabindex", "0");
  drawPanel();
}

/** Whether a person sees what a key would decide, and not only its edge. */
function panelInView() {
  const { top, bottom } = panel.getBoundingClientRect();
  return bottom > 150 && top < innerHeight - 150;
}

/** Make a card the current one and bring it into view. @param {number} i */
function go(i) {
  select(i);
  if (i < 0) return;
  if (!panelInView()) columns.scrollIntoView({ behavior: "instant" });
  cards[i].focus({ preventScroll: true });
  cards[i].scrollIntoView({ block: "nearest", behavior: "instant" });
}

/** @param {number} by */
function step(by) {
  const to = order[Math.max(0, Math.min(order.length - 1, place[current] + by))];
  go(panelInView() ? to ?? current : current);
}

/** @param {number} i @param {boolean} on */
function mark(i, on) {
  if (on) marked.add(i);
  else marked.delete(i);
  cards[i].classList.toggle("marked", on);
  the("marks", HTMLElement).hidden = !marked.size;
  fill(panel, "#marks-count", `${number(marked.size)} selected. The next decision applies to all of them.`);
}

const unmark = () => [...marked].forEach((i) => mark(i, false));

function drawPanel() {
  panel.classList.toggle("empty", current < 0);
  if (current < 0) return;
  const [i, made] = [current, decisionOf(current)];
  panel.classList.toggle("decided", Boolean(made));
  look.replaceChildren(...[...(cards[i].querySelector(".look")?.children ?? [])].map((each) => each.cloneNode(true)));
  fill(panel, ".labels s", names[given[i]]);
  fill(panel, ".labels b", names[suggested[i]]);
  fill(panel, ".labels .p", `${cards[i].querySelector(".p")?.textContent} p_error`);
  const said = [".kind b", ".why"].map((part) => cards[i].querySelector(part)?.textContent);
  fill(panel, ".why", said.filter(Boolean).join(": "));
  fill(panel, ".votes", cards[i].querySelector(".votes")?.textContent ?? "");
  fill(panel, ".verdict", verdict(made));
  fill(panel, ".id", `#${ids[i]}`);
  fill(panel, ".at", `${number(place[i] + 1)} of ${number(order.length)}`);
  fill(panel, '[data-act="keep"] span', `Keep ${names[given[i]]}`);
  fill(panel, '[data-act="accept"] span', hides(i) ? "Change as suggested" : `Change to ${names[suggested[i]]}`);
  const others = cellOf(i).length;
  the("same", HTMLButtonElement).hidden = hides(i) || others < 2;
  fill(panel, "#same", `Decide all ${number(others)} of ${names[given[i]]} → ${names[suggested[i]]} …`);
  note.value = notes.get(i) ?? made?.note ?? "";
  drawChoices(i);
}

/** The classes to choose from, with what the models think of them behind each. @param {number} i */
function drawChoices(i) {
  const likelihood = new Map(hides(i) ? [] : likely[i]);
  const shown = keys.length ? names.map((_, label) => label) : [...likelihood.keys()];
  while (choices.children.length > shown.length) choices.lastChild?.remove();
  while (choices.children.length < shown.length) choices.append(the("choice", HTMLTemplateElement).content.cloneNode(true));
  shown.forEach((label, at) => {
    const button = /** @type {HTMLButtonElement} */ (choices.children[at]);
    button.value = String(label);
    button.title = names[label];
    fill(button, "kbd", keys[label] === names[label] ? "" : keys[label] ?? String(at + 1));
    fill(button, "span", names[label]);
    button.style.setProperty("--share", `${likelihood.get(label) ?? 0}%`);
    button.classList.toggle("given", label === given[i]);
    button.classList.toggle("suggested", label === suggested[i] && !hides(i));
  });
}
