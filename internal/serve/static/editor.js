// The text of the case, with line numbers, the place of an error, and pasted
// iovec logs turned into entries.

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

export function build() {
  area.addEventListener('input', () => {
    byId('imported').hidden = true;
    edit(area.value, 'text');
    number();
  });
  area.addEventListener('scroll', () => (gutter.scrollTop = area.scrollTop));
  area.addEventListener('paste', paste);
  byId('imported-list').addEventListener('change', (e) => edit(lists[e.target.value].text, 'imported'));
  listen((what, source) => {
    if (source === 'text' || area.value === state.text) return;
    const at = area.selectionStart;
    area.value = state.text;
    area.setSelectionRange(at, at);
    if (source !== 'imported') byId('imported').hidden = true;
    number();
  });
}

let numbered = -1;

// number writes the line numbers, if there are others than before.
function number() {
  let n = 1;
  for (let i = area.value.indexOf('\n'); i >= 0; i = area.value.indexOf('\n', i + 1)) n++;
  const mark = n * 1e6 + badLine;
  if (mark !== numbered) {
    const numbers = (from, to) => Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => from + i).join('\n');
    if (badLine > 0 && badLine <= n) {
      fill(gutter, badLine > 1 ? numbers(1, badLine - 1) + '\n' : '', h('b', {}, String(badLine)), '\n' + numbers(badLine + 1, n));
    } else {
      gutter.textContent = numbers(1, n);
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
  const lines = area.value.split('\n');
  const start = lines.slice(0, place.line - 1).reduce((sum, l) => sum + l.length + 1, 0);
  area.focus();
  area.setSelectionRange(start + Math.min(place.column - 1, lines[place.line - 1].length), start + lines[place.line - 1].length);
  area.scrollTop = Math.max(0, (place.line - 4) * 18);
}
