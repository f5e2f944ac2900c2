// Elements made from values. Text goes in as text only: nothing of a proof is ever read as markup.

/** An element with attributes (null leaves one out, a function is a listener) and children (texts, elements, null). */
export function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === 'function') element.addEventListener(key, value);
    else if (value !== null && value !== false) element.setAttribute(key, value === true ? '' : value);
  }
  element.append(...children.flat(Infinity).filter(child => child !== null && child !== undefined));
  return element;
}

export const byId = id => document.getElementById(id);

/** Remembered between visits; a browser that forbids it just forgets. */
export const memory = {
  get(key) {
    try {
      return localStorage.getItem(`chemtrace-verifier:${key}`);
    } catch {
      return null;
    }
  },
  set(key, value) {
    try {
      if (value === null) localStorage.removeItem(`chemtrace-verifier:${key}`);
      else localStorage.setItem(`chemtrace-verifier:${key}`, value);
    } catch {
      // private mode: nothing is kept
    }
  },
};
