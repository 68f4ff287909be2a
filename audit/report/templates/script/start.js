// What happens when the page is opened.

for (const element of document.querySelectorAll("[data-given], [data-kind]")) {
  const { given: from = "", suggested: to = "", kind = "" } = /** @type {HTMLElement} */ (element).dataset;
  if (data.blind && to) continue;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "plain";
  filters.set(button, [from, to, kind]);
  button.append(...element.childNodes);
  button.title = kind ? "Show these suspects" : `Show the suspects of ${names[Number(from)]}${to && ` → ${names[Number(to)]}`}`;
  element.append(button);
}
for (const [number, name] of Object.entries(data.kinds)) kindTool.add(new Option(name, number));
names.forEach((name, label) => [givenTool, suggestedTool].forEach((tool) => tool.add(new Option(name, String(label)))));
grid.append(...cards);
document.body.classList.add("live");
reviewer.value = book.storage?.getItem("label-audit:reviewer") ?? "";
for (const row of book.decisions.keys()) paint(book.places.get(row) ?? -1);
if (data.sample_first) sort.value = "sample";
refilter();
