// How many errors there are, as far as decisions tell: the same numbers as `audit estimate`. A row is wrong with
// sigmoid(level + slope · doubt); level and slope stand on a grid whose weights decisions update.

/**
 * @typedef {{level: number[], slope: number[], weight: number[], knots: number[], more: [number, number][]}} Grid
 * @typedef {{knot: number, wrong: boolean}} Told
 * @typedef {{value: number, low: number, high: number}} Expected
 */

class ErrorCurve {
  /** @param {Grid} grid */
  constructor(grid) {
    this.grid = grid;
    this.weight = grid.weight;
    this.pError = grid.level.map((level, g) => grid.knots.map((doubt) => possible(1 / (1 + Math.exp(-level - grid.slope[g] * doubt)))));
  }

  /** Weigh the grid by all decisions, from its prior. @param {Told[]} decisions */
  learn(decisions) {
    const counts = new Map();
    for (const { knot, wrong } of decisions) counts.set(2 * knot + Number(wrong), (counts.get(2 * knot + Number(wrong)) ?? 0) + 1);
    const logWeight = this.pError.map((p, g) => Math.log(this.grid.weight[g] || Number.MIN_VALUE)
      + [...counts].reduce((sum, [told, count]) => sum + count * Math.log(told % 2 ? p[told >> 1] : 1 - p[told >> 1]), 0));
    const most = Math.max(...logWeight);
    const weight = logWeight.map((each) => Math.exp(each - most));
    const total = weight.reduce((sum, each) => sum + each, 0);
    this.weight = weight.map((each) => each / total);
  }

  /** The errors among undecided cards, and the suspects without a card. @param {number[]} knots @param {boolean} more @returns {Expected} */
  expected(knots, more) {
    const counts = new Map();
    for (const [knot, count] of [...knots.map((each) => [each, 1]), ...(more ? this.grid.more : [])]) counts.set(knot, (counts.get(knot) ?? 0) + count);
    const rows = [...counts.values()].reduce((sum, each) => sum + each, 0);
    const mean = this.pError.map((p) => [...counts].reduce((sum, [knot, count]) => sum + count * p[knot], 0));
    const sd = this.pError.map((p) => Math.max(1e-6, Math.sqrt([...counts].reduce((sum, [knot, count]) => sum + count * p[knot] * (1 - p[knot]), 0))));
    const value = mean.reduce((sum, each, g) => sum + this.weight[g] * each, 0);
    const [low, high] = [0.025, 0.975].map((share) => this.quantile(share, mean, sd));
    return { value, low: Math.min(value, Math.max(0, low)), high: Math.max(value, Math.min(rows, high)) };
  }

  /** The quantile of a mixture of normal distributions. @param {number} share @param {number[]} mean @param {number[]} sd */
  quantile(share, mean, sd) {
    let [low, high] = [Math.min(...mean.map((m, g) => m - 6 * sd[g])), Math.max(...mean.map((m, g) => m + 6 * sd[g]))];
    for (let i = 0; i < 60; i++) {
      const middle = (low + high) / 2;
      const below = mean.reduce((sum, m, g) => sum + this.weight[g] * normalCdf((middle - m) / sd[g]), 0);
      if (below < share) low = middle;
      else high = middle;
    }
    return (low + high) / 2;
  }
}

/** A p_error that no decision contradicts. @param {number} p */
const possible = (p) => Math.min(1 - 1e-12, Math.max(1e-12, p));

/** Abramowitz and Stegun 26.2.17, to 7.5e-8. @param {number} z */
function normalCdf(z) {
  const t = 1 / (1 + 0.2316419 * Math.abs(z));
  const tail = Math.exp(-z * z / 2) / Math.sqrt(2 * Math.PI)
    * t * (0.319381530 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return z > 0 ? 1 - tail : tail;
}
