// Two reviewers of the same run: how far they agree, as `audit merge` counts it.

/** @typedef {{rows: number, agreed: number, kappa: number | null, differing: Set<number>}} Agreement */

/** @param {Map<number, Decision>} mine @param {Map<number, Decision>} theirs @returns {Agreement} */
function agreementOf(mine, theirs) {
  const both = [...mine.keys()].filter((row) => theirs.has(row));
  const pairs = both.map((row) => [mine, theirs].map((side) => verdictOf(/** @type {Decision} */ (side.get(row)))));
  const differing = new Set(both.filter((_, at) => pairs[at][0] !== pairs[at][1]));
  return { rows: both.length, agreed: both.length - differing.size, kappa: kappaOf(pairs), differing };
}

/** Cohen's kappa; null without a row, or where only one verdict occurs. @param {string[][]} pairs */
function kappaOf(pairs) {
  const share = (/** @type {number} */ side, /** @type {string} */ verdict) => pairs.filter((pair) => pair[side] === verdict).length / pairs.length;
  const verdicts = [...new Set(pairs.flat())];
  if (verdicts.length < 2) return null;
  const chance = verdicts.reduce((sum, verdict) => sum + share(0, verdict) * share(1, verdict), 0);
  const agreed = pairs.filter(([one, other]) => one === other).length / pairs.length;
  return (agreed - chance) / (1 - chance);
}
