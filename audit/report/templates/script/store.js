// What the browser keeps for this page. A browser may refuse to keep anything for files, or be full.

class Store {
  /** @param {() => Storage} open  may throw where a browser refuses */
  constructor(open) {
    /** @type {Storage | null} */
    this.storage = null;
    /** @type {boolean} */
    this.refused = true;
    try {
      this.storage = open();
    } catch {
      // The same as no storage.
    }
    if (this.keep("label-audit", "")) this.keep("label-audit", null); // whether it keeps anything
  }

  /** Keep a text, or forget it; whether that was possible. @param {string} key @param {string | null} text */
  keep(key, text) {
    try {
      if (text === null) this.storage?.removeItem(key);
      else this.storage?.setItem(key, text);
      this.refused = !this.storage;
    } catch {
      this.refused = true; // forbidden, or full
    }
    return !this.refused;
  }

  /** @param {string} key */
  read(key) {
    return this.storage?.getItem(key) ?? null;
  }

  keys() {
    return Object.keys(this.storage ?? {});
  }
}
