// Cards that the models see alike: those with the closest predicted probabilities.

const MOST_SIMILAR = 24;

/** Half of the summed differences of two lists of classes and per cents: 0 the same, 100 nothing in common.
 * @param {[number, number][]} one @param {[number, number][]} other */
function distance(one, other) {
  const difference = new Map(one);
  for (const [label, percent] of other) difference.set(label, (difference.get(label) ?? 0) - percent);
  return [...difference.values()].reduce((sum, each) => sum + Math.abs(each), 0) / 2;
}

/** A card and those most like it, the closest first. @param {[number, number][][]} likely @param {number} i */
function similarTo(likely, i) {
  const distances = likely.map((each) => distance(likely[i], each));
  const others = likely.map((_, j) => j).filter((j) => j !== i).sort((a, b) => distances[a] - distances[b] || a - b);
  return [i, ...others.slice(0, MOST_SIMILAR)];
}
