// The entries as rows of pages, with borders that can be dragged and moved by
// keyboard. Only the rows in sight exist.

import { byId, bytes, count, h, hex } from './dom.js';
import { edit, listen, state } from './store.js';
import { addEntry, maxLength, memoryEnd, read, removeEntry, setEntry, writeEntry } from './casetext.js';
import { layout, pageOf, snap } from './geometry.js';
import { windowed } from './windowed.js';

const rowHeight = 34;
const box = byId('borders');
let entries = [];
let page = 4096n;
let list;
let current = 0; // the row that Tab reaches
const marks = new Map(); // entry → { kind, text }: what the answer says about it
let pointed = -1;
let onPoint = () => {};

export function build(point) {
  onPoint = point;
  list = windowed(box, rowHeight, makeRow, showRow);
  byId('borders').addEventListener('mouseleave', () => point(null));
  listen(show);
  show();
}

function show() {
  const c = read(state.text);
  entries = c.entries;
  page = pageOf(c.keys.get('page-size')?.value);
  current = Math.min(current, Math.max(0, entries.length - 1));
  box.style.maxHeight = `${Math.min(10.5, Math.max(1, entries.length)) * rowHeight + 2}px`;
  let total = 0n;
  for (const e of entries) total += e.len ?? 0n;
  byId('borders-about').textContent = entries.length === 0 ? 'is empty' : `${count(entries.length)} ${entries.length === 1 ? 'entry' : 'entries'}, ${bytes(total)}, pages of ${bytes(page)}`;
  list.resize(entries.length);
  empty();
}

// empty offers a first entry where there is none.
function empty() {
  let button = byId('first-entry');
  if (entries.length > 0) return button?.remove();
  if (!button) box.after(h('button', { type: 'button', id: 'first-entry', onclick: () => insert(-1) }, 'Add an entry'));
}

const handles = [['start', 'first byte'], ['whole', 'place'], ['end', 'end']];

function makeRow() {
  const row = h('div', { class: 'border-row', role: 'group' });
  const input = (part) => h('input', {
    class: `mono ${part}`, spellcheck: 'false', 'data-part': part,
    onchange: (e) => edit(writeEntry(state.text, index(row), part, e.target.value), 'borders'),
  });
  const bar = h('div', { class: 'bar' }, h('div', { class: 'cells' }),
    handles.map(([part]) => h('span', { class: `handle ${part}`, role: 'slider', 'data-part': part, onpointerdown: drag })));
  row.append(h('span', { class: 'n mono' }), input('addr'), bar, input('len'),
    h('button', { type: 'button', 'data-part': 'add', onclick: () => insert(index(row)) }, '+'),
    h('button', { type: 'button', 'data-part': 'remove', onclick: () => remove(index(row)) }, '×'));
  row.addEventListener('keydown', key);
  row.addEventListener('focusin', () => {
    activate(index(row));
    onPoint(index(row));
  });
  row.addEventListener('mouseenter', () => onPoint(index(row)));
  return row;
}

const index = (row) => Number(row.dataset.index);

function showRow(row, i) {
  const e = entries[i];
  row.dataset.index = i;
  const mark = marks.get(i);
  row.className = `border-row windowed-row${mark ? ' ' + mark.kind : ''}${i === pointed ? ' pointed' : ''}`;
  row.title = mark?.text ?? '';
  row.setAttribute('aria-label', `Entry ${i}${mark ? ': ' + mark.text : ''}`);
  row.querySelector('.n').textContent = i;
  for (const part of ['addr', 'len']) {
    const input = row.querySelector(`input.${part}`);
    const value = e[part] === null ? '?' : part === 'addr' ? hex(e.addr) : String(e.len);
    if (input !== document.activeElement || input.dataset.of !== String(i)) input.value = value;
    input.dataset.of = i;
    input.setAttribute('aria-label', `${part === 'addr' ? 'Address' : 'Length in bytes'} of entry ${i}`);
  }
  row.querySelector('[data-part=add]').setAttribute('aria-label', `Add an entry behind entry ${i}`);
  row.querySelector('[data-part=remove]').setAttribute('aria-label', `Remove entry ${i}`);
  for (const c of row.querySelectorAll('[data-part]')) c.tabIndex = i === current ? 0 : -1;
  const bar = row.querySelector('.bar');
  bar.hidden = e.addr === null;
  if (!bar.hidden) drawBar(bar, e, i, layout(e.addr, e.len, page));
}

function drawBar(bar, e, i, l) {
  bar.classList.toggle('broken', l.pages > 4n);
  const from = l.x(e.addr, false);
  const to = Math.max(from, l.x(e.addr + e.len, true));
  const cells = bar.firstChild;
  cells.replaceChildren(...l.cells.map((c) => place(h('i', { title: `page ${hex(c.from)}` }), c.x0, c.x1)));
  if (l.pages > 4n) cells.append(place(h('b', {}, `${count(l.pages - 2n)} pages`), l.cells[0].x1, l.cells[1].x0));
  const at = { start: from, whole: from, end: to };
  const value = { start: e.addr, whole: e.addr, end: e.addr + e.len };
  for (const [part, name] of handles) {
    const handle = bar.querySelector(`.${part}`);
    handle.style.left = `${100 * at[part]}%`;
    if (part === 'whole') {
      handle.style.width = `${100 * (to - from)}%`;
      handle.className = `handle whole c${i % 8}`;
    }
    handle.setAttribute('aria-label', `Entry ${i}, ${name}`);
    handle.setAttribute('aria-valuenow', String(value[part]));
    handle.setAttribute('aria-valuemin', '0');
    handle.setAttribute('aria-valuemax', String(memoryEnd));
    handle.setAttribute('aria-valuetext', `${hex(value[part])}, ${value[part] & (page - 1n)} bytes into its page; length ${e.len}`);
  }
}

function place(element, x0, x1) {
  element.style.left = `${100 * x0}%`;
  element.style.width = `${100 * (x1 - x0)}%`;
  return element;
}

// moved is the entry with one of its borders, or all of it, moved by d bytes, as
// far as it stays an entry.
function moved(e, part, d) {
  const limit = (v, low, high) => (v < low ? low : v > high ? high : v);
  const end = e.addr + e.len;
  switch (part) {
    case 'start': {
      const addr = limit(e.addr + d, end > maxLength ? end - maxLength : 0n, end);
      return { addr, len: end - addr };
    }
    case 'end':
      return { addr: e.addr, len: limit(e.len + d, 0n, e.addr + maxLength > memoryEnd ? memoryEnd - e.addr : maxLength) };
    default:
      return { addr: limit(e.addr + d, 0n, memoryEnd - (e.len || 1n)), len: e.len };
  }
}

function change(i, part, d, source) {
  const e = entries[i];
  if (e.addr === null) return;
  const m = moved(e, part, d);
  edit(setEntry(state.text, i, m.addr, m.len), source);
}

// key moves borders and goes from row to row.
function key(event) {
  const part = event.target.dataset.part;
  const i = index(event.currentTarget);
  if (!part || event.ctrlKey || event.metaKey || event.altKey) return;
  const next = { ArrowUp: i - 1, ArrowDown: i + 1 }[event.key];
  if (next !== undefined) {
    event.preventDefault();
    if (next >= 0 && next < entries.length) focus(next, part);
    return;
  }
  if (event.target.getAttribute('role') !== 'slider' || entries[i].addr === null) return;
  const e = entries[i];
  const at = part === 'end' ? e.addr + e.len : e.addr;
  const one = event.shiftKey ? 16n : 1n;
  const inside = at & (page - 1n);
  const d = {
    ArrowLeft: -one, ArrowRight: one, PageUp: -page, PageDown: page,
    Home: inside === 0n ? -page : -inside, End: page - inside,
  }[event.key];
  if (d === undefined) return;
  event.preventDefault();
  change(i, part, d, `key ${i} ${part}`);
}

function activate(i) {
  const before = current;
  current = i;
  list.refresh(before);
  list.refresh(i);
}

function focus(i, part) {
  activate(i);
  list.row(i).querySelector(`[data-part=${part}]`)?.focus();
}

// drag moves a border with the pointer. The row keeps its scale while it goes.
function drag(event) {
  if (event.button !== 0) return;
  const handle = event.currentTarget;
  const i = index(handle.closest('.border-row'));
  const e = entries[i];
  if (e.addr === null) return;
  event.preventDefault();
  handle.focus();
  const part = handle.dataset.part;
  const l = layout(e.addr, e.len, page);
  const rate = l.rate / handle.parentElement.clientWidth; // bytes a pixel
  const reach = BigInt(Math.ceil(5 * rate));
  const x0 = event.clientX;
  handle.setPointerCapture(event.pointerId);
  const move = (ev) => {
    const from = part === 'end' ? e.addr + e.len : e.addr;
    let to = from + BigInt(Math.round((ev.clientX - x0) * rate));
    if (!ev.shiftKey && to !== from) to = snap(to, page, reach);
    const m = moved(e, part, to - from);
    if (m.addr !== entries[i]?.addr || m.len !== entries[i]?.len) edit(setEntry(state.text, i, m.addr, m.len), `drag ${i} ${part} ${event.timeStamp}`);
  };
  handle.addEventListener('pointermove', move);
  handle.addEventListener('lostpointercapture', () => handle.removeEventListener('pointermove', move), { once: true });
}

function insert(i) {
  const e = entries[i];
  const addr = e?.addr == null ? 0x10000n : (e.addr + e.len + page) & ~(page - 1n);
  edit(addEntry(state.text, i, addr >= memoryEnd ? 0n : addr, page), 'borders');
  focus(i + 1, 'start');
}

function remove(i) {
  edit(removeEntry(state.text, i), 'borders');
  if (entries.length > 0) focus(Math.min(i, entries.length - 1), 'remove');
}

// mark sets what the answer says about entries: [{ entry, kind, text }].
export function mark(all) {
  const old = [...marks.keys()];
  marks.clear();
  for (const m of all) marks.set(m.entry, m);
  for (const i of [...old, ...marks.keys()]) list.refresh(i);
}

// point shows that something elsewhere on the page is about an entry; -1 for
// nothing.
export function point(i) {
  const old = pointed;
  pointed = i;
  if (old === i) return;
  list.refresh(old);
  list.refresh(i);
}

export const all = () => entries;
