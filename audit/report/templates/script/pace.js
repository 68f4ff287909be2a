// How long a review takes, from the times of its decisions. A long gap is a break and counts as none.

const BREAK = 120; // seconds
const LEAST_PACED = 5; // decisions from which a pace is told

/** Seconds of work, and seconds a decision, which is null after too few. @param {string[]} times */
function paceOf(times) {
  const sorted = times.map((time) => Date.parse(time) / 1000).sort((a, b) => a - b);
  const gaps = sorted.slice(1).map((time, at) => time - sorted[at]).filter((gap) => gap <= BREAK);
  const seconds = gaps.reduce((sum, gap) => sum + gap, 0);
  return { seconds, each: gaps.length < LEAST_PACED ? null : seconds / gaps.length };
}

/** At the beginning of a sentence. @param {number} seconds */
const inAbout = (seconds) => (seconds < 60 ? "Less than a minute" : `About ${duration(seconds)}`);

/** @param {number} seconds */
function duration(seconds) {
  if (seconds < 60) return "less than a minute";
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
