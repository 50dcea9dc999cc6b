// The text of a case, as package corpus reads it: read for the form and the
// borders, and changed line by line, so that comments and everything else that
// is written there stays. The server alone decides what is valid.

const number = '(0[xX][0-9a-fA-F]+|[0-9]+)';
const entryLine = new RegExp(`^([ \\t]*sg[ \\t]+)${number}\\+${number}(.*)$`);
const anyEntry = /^[ \t]*sg[ \t]+/;
const noneLine = /^[ \t]*sg[ \t]+none[ \t]*(#.*)?$/;
const keyLine = /^[ \t]*([a-z][a-z-]*)[ \t]+([^#]*[^# \t])/;

export const maxLength = (1n << 32n) - 1n; // of an entry, bytes
export const memoryEnd = 1n << 64n;

let last = { text: null, parts: null };

// read gives the lines, the entries with their line numbers, and the values of
// the other keys. addr and len are BigInt, null for an entry that is not one.
// What it gives is kept for the next call and must not be changed.
export function read(text) {
  if (text !== last.text) last = { text, parts: parse(text) };
  return last.parts;
}

// open is read with lines that may be changed.
function open(text) {
  const c = read(text);
  return { ...c, lines: c.lines.slice() };
}

function parse(text) {
  const lines = text.split('\n');
  const entries = [];
  const keys = new Map();
  lines.forEach((line, at) => {
    const m = entryLine.exec(line);
    if (m) {
      entries.push({ line: at, addr: BigInt(m[2]), len: BigInt(m[3]) });
    } else if (noneLine.test(line)) {
      // the list is empty
    } else if (anyEntry.test(line)) {
      entries.push({ line: at, addr: null, len: null });
    } else {
      const k = keyLine.exec(line);
      if (k && !keys.has(k[1])) keys.set(k[1], { line: at, value: k[2] });
    }
  });
  return { lines, entries, keys };
}

// setKey changes, adds or, with an empty value, removes the line of a key. What
// is added goes in front of the first entry.
export function setKey(text, key, value) {
  const c = open(text);
  const old = c.keys.get(key);
  if (old) {
    if (value === '') c.lines.splice(old.line, 1);
    else c.lines[old.line] = c.lines[old.line].replace(keyLine, () => `${key} ${value}`);
  } else if (value !== '') {
    let at = c.lines.findIndex((l) => anyEntry.test(l));
    if (at < 0) at = c.lines.length;
    while (at > 0 && c.lines[at - 1].startsWith('#')) at--; // a comment stays with its entry
    if (at === 0) at = Math.max(0, c.lines.findIndex((l) => !l.startsWith('#')));
    c.lines.splice(at, 0, `${key} ${value}`);
  }
  return c.lines.join('\n');
}

// setEntry changes an entry's place and length, and keeps the rest of its line.
export function setEntry(text, index, addr, len) {
  const c = open(text);
  const e = c.entries[index];
  if (!e) return text;
  const m = entryLine.exec(c.lines[e.line]);
  c.lines[e.line] = `${m ? m[1] : 'sg '}0x${addr.toString(16)}+${len}${m ? m[4] : ''}`;
  return c.lines.join('\n');
}

// writeEntry puts what was typed in place of an entry's address or length,
// whatever it is: the server says what is wrong with it.
export function writeEntry(text, index, part, value) {
  const c = open(text);
  const e = c.entries[index];
  if (!e) return text;
  const m = /^([ \t]*sg[ \t]+)([^+ \t]*)\+?([^ \t#]*)(.*)$/.exec(c.lines[e.line]);
  if (!m) return text;
  const word = value.trim().replace(/\s+/g, '') || '0';
  c.lines[e.line] = part === 'addr' ? `${m[1]}${word}+${m[3]}${m[4]}` : `${m[1]}${m[2]}+${word}${m[4]}`;
  return c.lines.join('\n');
}

// addEntry puts an entry behind another one, or at the start with index -1.
export function addEntry(text, index, addr, len) {
  const c = open(text);
  const line = `sg 0x${addr.toString(16)}+${len}`;
  const none = c.lines.findIndex((l) => noneLine.test(l));
  if (none >= 0) c.lines.splice(none, 1, line);
  else if (c.entries[index]) c.lines.splice(c.entries[index].line + 1, 0, line);
  else if (c.lines.at(-1) === '') c.lines.splice(-1, 0, line);
  else c.lines.push(line);
  return c.lines.join('\n');
}

// removeEntry takes an entry out. The last one leaves "sg none".
export function removeEntry(text, index) {
  const c = open(text);
  const e = c.entries[index];
  if (!e) return text;
  if (c.entries.length === 1) c.lines[e.line] = 'sg none';
  else c.lines.splice(e.line, 1);
  return c.lines.join('\n');
}

// looksLikeIovecs says whether pasted text is an iovec log and no case.
export function looksLikeIovecs(text) {
  const lines = text.split('\n').filter((l) => l.trim() !== '' && !l.startsWith('#'));
  return lines.length > 0 && lines.every((l) => /^\S+[ \t]+(0x)?[0-9a-fA-F]+\+/.test(l)) && !anyEntry.test(lines[0]);
}
