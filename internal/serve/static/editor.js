// The text of the case, with line numbers, the place of an error, and pasted
// iovec logs turned into entries. Of a long text only a part is in the text
// field: browsers lay out all of a field for each letter that is typed.

import { byId, fill, h, option, plural } from './dom.js';
import { edit, listen, state } from './store.js';
import { looksLikeIovecs } from './casetext.js';
import { latest } from './api.js';

const area = byId('text');
const gutter = byId('gutter');
const error = byId('text-error');
const importLog = latest('api/import');
let badLine = 0; // from 1, 0 for none
const most = 4 << 20; // characters
const wholeUpTo = 1000; // lines
const partLines = 500;
let part = { from: 0, before: '', after: '', lines: 1 }; // of the text: from is a line from 0

export function build() {
  area.addEventListener('input', () => {
    byId('imported').hidden = true;
    edit(part.before + area.value + part.after, 'text');
    if (lineCount(area.value) > 2 * wholeUpTo) showPart(part.from);
    number();
  });
  byId('part-before').addEventListener('click', () => showPart(part.from - partLines));
  byId('part-after').addEventListener('click', () => showPart(part.from + partLines));
  area.addEventListener('scroll', () => (gutter.scrollTop = area.scrollTop));
  area.addEventListener('paste', paste);
  byId('imported-list').addEventListener('change', (e) => edit(lists[e.target.value].text, 'imported'));
  listen((what, source) => {
    if (source === 'text' || what === 'choice') return;
    showPart(what === 'all' ? 0 : part.from);
    if (source !== 'imported') byId('imported').hidden = true;
  });
}

function lineCount(text) {
  let n = 1;
  for (let i = text.indexOf('\n'); i >= 0; i = text.indexOf('\n', i + 1)) n++;
  return n;
}

// showPart puts the text in the field, or of a long one the lines from a line
// on.
function showPart(from) {
  const { text } = state;
  const lines = lineCount(text);
  if (lines <= wholeUpTo) {
    part = { from: 0, before: '', after: '', lines };
  } else {
    from = Math.max(0, Math.min(from, lines - partLines));
    let at = 0;
    for (let i = 0; i < from; i++) at = text.indexOf('\n', at) + 1;
    let end = at;
    for (let i = 0; i < partLines && end < text.length; i++) end = text.indexOf('\n', end) + 1 || text.length;
    part = { from, before: text.slice(0, at), after: text.slice(end), lines };
    byId('part-about').textContent = `Lines ${from + 1} to ${Math.min(from + partLines, lines)} of ${lines}`;
    byId('part-before').disabled = from === 0;
    byId('part-after').disabled = part.after === '';
  }
  byId('part').hidden = lines <= wholeUpTo;
  const now = text.slice(part.before.length, text.length - part.after.length);
  if (area.value !== now) {
    const at = area.selectionStart;
    area.value = now;
    area.setSelectionRange(at, at);
  }
  number();
}

let numbered = '';

// number writes the line numbers, if there are others than before.
function number() {
  const first = part.from + 1;
  const last = part.from + lineCount(area.value);
  const mark = `${first} ${last} ${badLine}`;
  if (mark !== numbered) {
    const numbers = (from, to) => Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => from + i).join('\n');
    if (badLine >= first && badLine <= last) {
      fill(gutter, badLine > first ? numbers(first, badLine - 1) + '\n' : '', h('b', {}, String(badLine)), '\n' + numbers(badLine + 1, last));
    } else {
      gutter.textContent = numbers(first, last);
    }
    numbered = mark;
  }
  gutter.scrollTop = area.scrollTop;
}

let lists = [];

async function paste(event) {
  const text = event.clipboardData?.getData('text/plain') ?? '';
  if (!looksLikeIovecs(text)) return;
  event.preventDefault();
  await take(text);
}

async function take(text) {
  if (text.length > most) return say({ message: `the log is longer than ${plural(most, 'byte')}` });
  try {
    const got = await importLog({ text });
    if (!got) return;
    lists = got.lists;
    fill(byId('imported-list'), lists.map((l, i) => option(i, `line ${l.line}: ${l.name}, ${plural(l.entries, 'entry').replace('entrys', 'entries')}`)));
    edit(lists[0].text, 'imported');
    byId('imported').hidden = lists.length < 2;
  } catch (e) {
    say(e.place ?? { message: String(e) });
  }
}

// complain shows a problem under the text and marks its line; null takes both
// away.
export function complain(place) {
  badLine = place?.line ?? 0;
  if (place) {
    say(place);
    area.setAttribute('aria-invalid', 'true');
  } else {
    error.textContent = '';
    area.removeAttribute('aria-invalid');
  }
  number();
}

function say(place) {
  let where = '';
  if (place.line) where = `Line ${place.line}, column ${place.column}`;
  if (place.entry !== undefined) where += where ? ` (entry ${place.entry})` : `Entry ${place.entry}`;
  const jump = place.line ? h('button', { type: 'button', onclick: () => go(place) }, 'Go there') : null;
  fill(error, where ? where + ': ' : '', place.message, jump);
}

// go selects the rest of the line from where the problem is.
function go(place) {
  if (place.line <= part.from || place.line > part.from + lineCount(area.value)) showPart(place.line - 10);
  const lines = area.value.split('\n');
  const at = place.line - 1 - part.from;
  const start = lines.slice(0, at).reduce((sum, l) => sum + l.length + 1, 0);
  area.focus();
  area.setSelectionRange(start + Math.min(place.column - 1, lines[at].length), start + lines[at].length);
  area.scrollTop = Math.max(0, (at - 3) * 18);
}
