// Puts the parts together: what the reader changes goes to the server, and its
// answer to all parts.

import { byId, fill, h, option, plural } from './dom.js';
import { get, latest } from './api.js';
import * as store from './store.js';
import * as link from './link.js';
import * as form from './form.js';
import * as editor from './editor.js';
import * as borders from './borders.js';
import * as answers from './answers.js';
import * as stream from './stream.js';
import * as bytes from './bytes.js';
import * as decode from './decode.js';
import * as picture from './picture.js';
import { build as buildTabs, open as openTab } from './tabs.js';

const { state } = store;
const explain = latest('api/explain');
const first = `# three entries that no page list can take
sg 0x10000fff+1
sg 0x20000000+8192
sg 0x30000123+77
`;

let answer = null;
let request = null; // the bytes shown
let changes = 0; // of the state, to know whether an answer is about what is there
let typing = false; // the last change was made in the text
let asking = 0; // when the request under way began, 0 for none
let timer = 0;

const patience = 300; // ms after which a request that nobody needs is cancelled
const calm = 250; // ms before a mistake is told while one types

// changed asks for an answer soon. One request is under way at a time, so that
// answers keep coming while a border is dragged; only a slow one is cancelled.
function changed(what, source) {
  changes++;
  typing = source === 'text';
  document.body.dataset.settled = 'false';
  if (asking === 0 || performance.now() - asking > patience) timer ||= setTimeout(ask, 30);
}

async function ask() {
  timer = 0;
  const began = (asking = performance.now());
  const asked = changes;
  try {
    await answerTo(asked);
  } finally {
    if (began === asking) { // else it was cancelled
      asking = 0;
      if (asked === changes) document.body.dataset.settled = 'true';
      else ask();
    }
  }
}

async function answerTo(asked) {
  try {
    const got = await explain({ text: state.text, strategy: state.strategy, bug: state.bug, request: state.request });
    if (!got) return;
    show(got);
    complain(null);
  } catch (e) {
    if (typing) await new Promise((done) => setTimeout(done, calm));
    if (asked !== changes) return; // mended already
    complain(e.place ?? { message: String(e) });
    if (!e.place) throw e;
  }
}

function show(got) {
  answer = got;
  document.body.classList.remove('stale');
  answers.show(got);
  borders.mark(marks(got));
  showRequests(got);
  picture.show(got.svg);
  stream.show(got);
}

// marks are what the answer says about single entries.
function marks({ picture: p, shown }) {
  const s = p.strategies[shown];
  const out = [];
  if (s?.refusal && s.refusal.entry >= 0 && p.mapped_entries === p.entries) out.push({ entry: s.refusal.entry, kind: 'refused', text: s.refusal.text });
  if (s?.blame?.entry >= 0) out.push({ entry: s.blame.entry, kind: 'wrong', text: s.blame.text });
  return out;
}

// complain puts a problem next to the field it is about; null takes all away.
function complain(place) {
  const mine = form.complain(place);
  byId('bug-error').textContent = place?.field === 'bug' || place?.field === 'strategy' ? place.message : '';
  editor.complain(place && !mine && place.field !== 'bug' ? place : null);
  borders.mark(place?.entry !== undefined ? [{ entry: place.entry, kind: 'wrong', text: place.message }] : answer && !place ? marks(answer) : []);
  if (!place) return;
  document.body.classList.add('stale');
  const v = byId('verdict');
  v.className = 'error';
  fill(v, h('p', {}, h('strong', {}, 'This is no case that can be run. '), place.message));
}

function showRequests(got) {
  const s = got.picture.strategies[got.shown];
  const box = byId('requests');
  byId('requests-about').textContent = s?.request_count ? `${plural(s.request_count, 'work request')} by ${s.dialect}` : '';
  request = null;
  if (!got.view) return fill(box, h('p', {}, s ? `${s.strategy} posts no work request for this list.` : ''));
  const view = h('div');
  const had = document.activeElement?.id;
  fill(box, s.requests.length > 1 ? chooser(s, got.request) : null, view);
  request = bytes.show(view, got.view);
  if (had === 'request') byId('request')?.focus();
}

function chooser(s, now) {
  return h('div', { class: 'chooser' }, h('label', { for: 'request' }, 'Work request'),
    h('select', { id: 'request', onchange: (e) => store.choose({ request: Number(e.target.value) }) }, s.requests.map((q) => {
      const o = option(q.index, `${q.index}: ${q.opcode}, DS ${q.ds}, key ${q.key}${q.findings ? ' – breaks a rule' : ''}`);
      o.selected = q.index === now;
      return o;
    })));
}

// moved shows a stream position in the other parts.
function moved(place, source) {
  borders.point(place.entry);
  picture.light(place, source !== 'picture' && source !== 'answer');
  const q = answer?.picture.strategies[answer.shown]?.requests.find((q) => q.index === answer.request);
  const { piece, region } = place;
  if (request && q && piece && !piece.skipped && region.key === q.key && source !== 'answer') {
    const buffer = answer.view.list ? 'list' : 'wqe';
    const row = answer.view.parts.find((p) => p.buffer === buffer && p.rows)?.rows.find((r) => r.index === piece.index);
    if (row) request.light(buffer, row.offset, row.size);
  }
}

function pointed(entry) {
  if (entry === null) borders.point(-1);
}

async function writeLink() {
  const hash = await link.write(state);
  if (hash !== location.hash) history.replaceState(null, '', location.pathname + hash);
}

async function openLink() {
  try {
    const named = new URLSearchParams(location.search).get('case');
    const linked = await link.read(location.hash);
    if (linked.text === null && named) linked.text = (await get(`api/case?name=${encodeURIComponent(named)}`)).text;
    if (linked.text !== null) return store.replace(linked);
  } catch (e) {
    if (state.text === '') store.replace({ text: first });
    return complain(e.place ?? { message: e.message });
  }
  if (state.text === '') store.replace({ text: first });
}

function buildBugs(names) {
  const group = (label, bugs) => h('optgroup', { label }, bugs.map((b) => option(b.name, b.name + (b.year ? ` (${b.project}, ${b.year})` : ''))));
  const select = byId('bug');
  select.append(group('That happened', names.bugs.filter((b) => b.project !== 'made')), group('Made up', names.bugs.filter((b) => b.project === 'made')));
  select.addEventListener('change', () => store.choose({ bug: select.value }));
  const about = () => {
    select.value = state.bug;
    const b = names.bugs.find((b) => b.name === state.bug);
    fill(byId('bug-about'), b ? [`${b.cause}. `, b.witness ? h('button', { type: 'button', onclick: () => openCase(b.witness, { bug: b.name, strategy: b.strategies[0] }) }, 'Open a list that shows it') : null] : []);
  };
  store.listen(about);
  about();
}

async function openCase(name, more) {
  try {
    const c = await get(`api/case?name=${encodeURIComponent(name)}`);
    store.replace({ text: c.text, ...more });
  } catch (e) {
    complain(e.place ?? { message: e.message });
  }
}

function buildExamples(names) {
  const groups = Map.groupBy(names.cases, (c) => c.name.split('/')[0]);
  const select = byId('example');
  for (const [family, cases] of groups) {
    select.append(h('optgroup', { label: family }, cases.map((c) => option(c.name, `${c.name.split('/').slice(1).join('/')} (${c.entries})`, c.about))));
  }
  select.addEventListener('change', () => {
    if (!select.value) return;
    byId('example-about').textContent = names.cases.find((c) => c.name === select.value).about;
    openCase(select.value);
  });
  store.listen((what, source) => {
    if (what === 'text' && source !== 'replace') select.value = '';
  });
}

function buildTools() {
  const tell = () => {
    byId('undo').disabled = !store.canUndo();
    byId('redo').disabled = !store.canRedo();
  };
  store.listen(tell);
  byId('undo').addEventListener('click', store.undo);
  byId('redo').addEventListener('click', store.redo);
  addEventListener('keydown', (e) => {
    if (!(e.ctrlKey || e.metaKey) || e.altKey || e.key.toLowerCase() !== 'z' && e.key.toLowerCase() !== 'y' || byId('case-view').hidden) return;
    e.preventDefault();
    if (e.shiftKey || e.key.toLowerCase() === 'y') store.redo();
    else store.undo();
  });
  byId('copy-link').addEventListener('click', async () => {
    await writeLink();
    try {
      await navigator.clipboard.writeText(location.href);
      byId('said').textContent = 'The link is copied.';
    } catch {
      byId('said').textContent = 'The link is in the address bar.';
    }
  });
  byId('download').addEventListener('click', () => {
    const a = h('a', { href: URL.createObjectURL(new Blob([state.text], { type: 'text/plain' })), download: 'list.sgcase' });
    a.click();
    setTimeout(() => URL.revokeObjectURL(a.href), 1000);
  });
}

async function main() {
  for (const f of document.forms) f.addEventListener('submit', (e) => e.preventDefault());
  const names = await get('api/options');
  form.build(names);
  editor.build();
  borders.build(pointed);
  stream.build(moved);
  picture.build((at) => stream.go(at, 'picture'));
  decode.build(names);
  buildTabs();
  buildBugs(names);
  buildExamples(names);
  buildTools();
  store.listen(changed);
  store.whenSettled(400, writeLink);
  addEventListener('hashchange', openLink);
  await openLink();
  openTab(location.hash);
}

main().catch((e) => {
  complainAtStart(e);
  throw e;
});

function complainAtStart(e) {
  fill(byId('verdict'), h('p', { class: 'error' }, e.message));
}
