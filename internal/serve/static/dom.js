// Building and finding elements. Text always goes in as text, never as markup.

export const byId = (id) => document.getElementById(id);

// h makes an element. Attributes that begin with "on" and are functions are
// listeners; null, undefined and false leave an attribute out.
export function h(tag, attributes, ...children) {
  const e = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (typeof value === 'function') e.addEventListener(name.slice(2), value);
    else if (value === true) e.setAttribute(name, '');
    else if (value !== null && value !== undefined && value !== false) e.setAttribute(name, value);
  }
  e.append(...children.flat().filter((c) => c !== null && c !== undefined && c !== false));
  return e;
}

// fill replaces what an element holds.
export function fill(element, ...children) {
  element.replaceChildren(...children.flat().filter((c) => c !== null && c !== undefined && c !== false));
}

// option makes an <option>.
export const option = (value, label, title) => h('option', { value, title }, label ?? value);

// plural puts a number before its noun.
export function plural(n, noun) {
  return `${count(n)} ${noun}${n === 1 || n === 1n ? '' : 's'}`;
}

// count writes a number with thin groups of three digits.
export function count(n) {
  return String(n).replace(/\B(?=(\d{3})+$)/g, '\u202f');
}

// bytes writes a length, with the unit it is a whole number of.
export function bytes(n) {
  const v = BigInt(n);
  for (const [unit, size] of [['GiB', 1n << 30n], ['MiB', 1n << 20n], ['KiB', 1n << 10n]]) {
    if (v >= size && v % size === 0n) return `${count(v / size)} ${unit}`;
  }
  return plural(v, 'byte');
}

export const hex = (n) => '0x' + BigInt(n).toString(16);

// later runs fn once calls have ceased for a while.
export function later(ms, fn) {
  let timer = 0;
  return (...args) => {
    clearTimeout(timer);
    timer = setTimeout(() => fn(...args), ms);
  };
}
