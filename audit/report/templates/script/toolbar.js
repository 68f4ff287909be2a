// The bar of filters: what is set, how many cards each leaves, and the address that keeps it.

const SETTLE = 400; // milliseconds after which the address follows; browsers count changes of it

/** The fields that hold a part of the view. @returns {(HTMLInputElement | HTMLSelectElement)[]} */
const fields = () => [...tools.querySelectorAll("[data-filter]")].map((each) => /** @type {HTMLInputElement} */ (each));

function drawTools() {
  for (const field of fields()) {
    const value = view[/** @type {keyof View} */ (field.dataset.filter)];
    if (field.value !== value) field.value = value;
  }
  const filters = setFilters(view);
  const chips = filters.map((name) => {
    const item = document.createElement("li");
    const button = made("button", "");
    button.setAttribute("type", "button");
    button.dataset.clear = name;
    const count = passing(view, [name], facts).length;
    button.append(made("bdi", filterWords(name)), ` · ${number(count)} `, made("span", "×"));
    button.setAttribute("aria-label", `Clear the filter ${filterWords(name)}, ${number(count)} cards`);
    item.append(button);
    return item;
  });
  activeBox.querySelector("ul")?.replaceChildren(...chips);
  activeBox.hidden = !filters.length;
  fill(activeBox, "#matching", `${number(order.length)} of ${number(cards.length)} cards`);
}

/** @param {keyof View} name */
function filterWords(name) {
  const value = view[name];
  /** @type {Record<string, string>} */
  const words = {
    show: tools.querySelector(`[data-show=${view.show}]`)?.firstChild?.textContent?.trim() ?? "",
    given: `given ${names[Number(value)]}`, suggested: `suggested ${names[Number(value)]}`,
    kind: data.kinds[Number(value)]?.name, fold: `fold ${value}`, part: data.parts[Number(value)],
    person: data.people[Number(value)], from: `chance wrong ≥ ${value} %`, to: `chance wrong ≤ ${value} %`,
    find: value, rows: "chosen on the map", like: `like #${value}`, differs: "differs from the second reviewer",
  };
  return words[name] ?? name;
}

/** Offer the values of a filter, where there is more than one. @param {string} name @param {[string, string][]} values */
function offerFilter(name, values) {
  const field = /** @type {HTMLSelectElement} */ (tools.querySelector(`[data-filter=${name}]`));
  values.forEach(([value, words]) => field.add(new Option(words, value)));
  if (values.length > 1) /** @type {HTMLElement} */ (field.parentElement).hidden = false;
}

/** @type {ReturnType<typeof setTimeout> | undefined} */
let settling;

/** Let the address follow view and position, so that a reload or a link comes back to them. */
function keepAddress() {
  clearTimeout(settling);
  settling = setTimeout(writeAddress, SETTLE);
}

function writeAddress() {
  clearTimeout(settling);
  history.replaceState(null, "", hashOf({ ...view, card: ids[current] ?? "" }));
}

/** Take over a view that the address holds. */
function readAddress() {
  const found = viewOfAddress();
  if (!found) return;
  view = found;
  refilter();
  selectId(view.card);
}

function toggleFilters() {
  filterBox.hidden = !filterBox.hidden;
  end.hidden = true;
  columns.style.setProperty("--over", `${stacked.matches ? 0 : filterBox.offsetHeight}px`);
  tools.querySelector('[data-act="filters"]')?.setAttribute("aria-expanded", String(!filterBox.hidden));
}

/** How wide a card is before a person chooses, in pixels: photos and tables of values want more. */
function usualSize() {
  if (grid.querySelector(".values")) return "264";
  return grid.querySelector(".own") ? "234" : size.value;
}

function resize() {
  grid.style.setProperty("--cell", `${size.value}px`);
  grid.style.setProperty("--enlarged", String(Number(size.value) / 194));
}
