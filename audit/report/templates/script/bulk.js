// Several cards for one decision: of those that the filters leave, which are undecided and belong together.

/** The cards with the given and the suggested class of card i. @param {number[]} open @param {Cards} cards @param {number} i */
function ofPair(open, { given, suggested }, i) {
  return open.filter((j) => given[j] === given[i] && suggested[j] === suggested[i]);
}

/** The cards whose given label is wrong with at least this chance. @param {number[]} open @param {Cards} cards @param {number} percent */
function aboveChance(open, { p_error }, percent) {
  return open.filter((i) => 100 * p_error[i] >= percent);
}
