// Names that are too long for their place: shortened so that any two of them still differ.

const LEAST_SHOWN = 6; // characters of a name, whatever the room

/** A name with its middle left out. @param {string} name @param {number} most */
function withoutMiddle(name, most) {
  const letters = [...name];
  if (letters.length <= most) return name;
  const end = Math.floor((most - 1) / 2);
  return `${letters.slice(0, most - 1 - end).join("").trimEnd()}…${letters.slice(letters.length - end).join("").trimStart()}`;
}

/** A name with its end left out. @param {string} name @param {number} most */
function withoutEnd(name, most) {
  const letters = [...name];
  return letters.length <= most ? name : `${letters.slice(0, most - 1).join("").trimEnd()}…`;
}

/** How many letters all of these names begin with. @param {string[]} names */
function commonStart(names) {
  const [first, ...others] = names.map((name) => [...name]);
  const at = first.findIndex((letter, i) => others.some((other) => other[i] !== letter));
  return at < 0 ? first.length : at;
}

/** A name that is cut; where that makes it equal to others, it begins where it differs from them.
 * @param {string} name @param {string[]} others @param {number} most @param {(name: string, most: number) => string} cut @returns {string} */
function shortened(name, others, most, cut) {
  const room = Math.max(LEAST_SHOWN, most);
  const short = cut(name, room);
  const alike = others.filter((other) => other !== name && cut(other, room) === short);
  if (!alike.length) return short;
  const from = commonStart([name, ...alike]);
  const rest = (/** @type {string} */ each) => [...each].slice(from).join("");
  return `…${shortened(rest(name), alike.map(rest), most - 1, withoutEnd)}`;
}

/** All names in at most this many letters, more only where two would be equal. @param {string[]} names @param {number} most */
function shortNames(names, most) {
  const short = names.map((name) => shortened(name, names, most, withoutMiddle));
  const once = (/** @type {string} */ each) => short.indexOf(each) === short.lastIndexOf(each);
  return names.map((name, at) => (once(short[at]) || names.indexOf(name) !== names.lastIndexOf(name) ? short[at] : name));
}
