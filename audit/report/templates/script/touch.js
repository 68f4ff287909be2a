// A finger on the picture: to the left keeps the given label, to the right does what the card proposes.

const FAR = 80; // pixels that decide
let start = /** @type {{x: number, y: number} | null} */ (null);

/** @param {number} by  pixels from where the finger came down */
function drag(by) {
  const way = Math.abs(by) < 12 ? "" : by < 0 ? "left" : "right";
  subject.dataset.drag = way;
  subject.classList.toggle("far", Math.abs(by) >= FAR);
  look.style.transform = way && `translateX(${by}px)`;
}

subject.addEventListener("pointerdown", (event) => {
  if (event.pointerType === "mouse" || !event.isPrimary) return;
  start = { x: event.clientX, y: event.clientY };
});
subject.addEventListener("pointermove", (event) => start && drag(event.clientX - start.x));
subject.addEventListener("pointerup", (event) => {
  const by = start ? event.clientX - start.x : 0;
  const across = start ? Math.abs(event.clientY - start.y) : 0;
  [start] = [null];
  drag(0);
  if (Math.abs(by) < FAR || across > Math.abs(by)) return;
  if (by < 0) decide("keep");
  else runFirst();
});
subject.addEventListener("pointercancel", () => {
  [start] = [null];
  drag(0);
});
