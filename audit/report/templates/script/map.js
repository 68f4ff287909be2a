// The map: what a mark is, and a line drawn round some marks, whose cards the list then shows alone.

const LEAST_DRAWN = 12; // pixels; a shorter line is a click

/** @typedef {[number, number]} Point */

/** Whether a point lies within a closed line. @param {Point[]} line @param {Point} point */
function within(line, [x, y]) {
  let inside = false;
  line.forEach(([x1, y1], i) => {
    const [x2, y2] = line[(i + 1) % line.length];
    const crosses = y1 > y !== y2 > y && x < x1 + ((y - y1) / (y2 - y1)) * (x2 - x1);
    if (crosses) inside = !inside;
  });
  return inside;
}

/** How far the points of a line lie apart. @param {Point[]} line */
function extent(line) {
  const along = [0, 1].map((axis) => line.map((point) => point[axis]));
  return Math.max(...along.map((values) => Math.max(...values) - Math.min(...values)));
}

/** @param {SVGSVGElement} chart */
function readMap(chart) {
  const marks = [...chart.querySelectorAll("a")];
  const drawn = document.createElementNS(chart.namespaceURI, "path");
  drawn.setAttribute("class", "lasso");
  /** @type {Point[]} */
  let line = [];
  let drew = false; // whether the last press was a line, whose end is no click on a mark

  /** @param {{clientX: number, clientY: number}} at @returns {Point} */
  const point = ({ clientX, clientY }) => {
    const { left, top } = chart.getBoundingClientRect();
    return [clientX - left, clientY - top];
  };
  const middle = (/** @type {Element} */ mark) => {
    const { x, y, width, height } = mark.getBoundingClientRect();
    return point({ clientX: x + width / 2, clientY: y + height / 2 });
  };
  const end = () => {
    const whole = line;
    line = [];
    drawn.remove();
    if (whole.length < 3 || extent(whole) < LEAST_DRAWN) return;
    drew = true;
    const found = marks.filter((mark) => within(whole, middle(mark)));
    if (found.length) jumpTo({ rows: found.map((mark) => mark.dataset.openRow).join(",") });
  };

  chart.addEventListener("pointerover", ({ target }) => {
    const mark = /** @type {Element} */ (target).closest("a");
    if (mark) fill(document, "#mark-said", mark.textContent?.trim() ?? "");
  });
  chart.addEventListener("click", (event) => {
    if (!drew) return;
    event.preventDefault();
    event.stopPropagation();
  }, true);
  chart.addEventListener("dragstart", (event) => event.preventDefault());
  chart.addEventListener("pointerdown", (event) => {
    if (event.pointerType === "touch" || event.button) return; // a finger scrolls
    line = [point(event)];
    drew = false;
    chart.append(drawn);
  });
  document.addEventListener("pointermove", (event) => {
    if (!line.length) return;
    line.push(point(event));
    drawn.setAttribute("d", `M${line.join("L")}Z`);
  });
  document.addEventListener("pointerup", end);
}

const mapChart = document.querySelector("#map .chart");
if (mapChart instanceof SVGSVGElement && !data.blind) readMap(mapChart);
