// One work request or completion: its bytes on one side, its fields on the
// other, each showing the other's when it is hovered or focused.

import { count, fill, h } from './dom.js';
import { windowed } from './windowed.js';

const rowHeight = 20;
const across = 16;

// show puts a view (mlx5model.View) into box and gives { light(buffer, offset,
// size) }, which shows bytes from outside.
export function show(box, view) {
  const grids = [];
  const names = new Map(); // byte → spot, by buffer
  const spots = [...spotsOf(view)];
  for (const s of spots) {
    const map = names.get(s.buffer) ?? names.set(s.buffer, []).get(s.buffer);
    for (let i = 0; i < s.size; i++) (map[s.offset + i] ??= []).push(s);
  }
  const told = h('p', { class: 'told byte-told', role: 'status' }, 'Point at a byte or a field, or focus one and use the arrow keys.');
  const lit = [];

  function light(some, from) {
    for (const s of lit.splice(0)) s.row.classList.remove('lit');
    for (const g of grids) g.light([]);
    for (const s of some) {
      s.row.classList.add('lit');
      lit.push(s);
      if (from === 'byte') reveal(s.row);
      grids.find((g) => g.buffer === s.buffer)?.light([s], from !== 'byte');
    }
    if (some.length > 0) fill(told, some.map((s, i) => [i ? '; ' : '', h('b', {}, s.title), ` ${s.told}`]).flat());
  }
  const byteLit = (buffer) => (off) => {
    const some = names.get(buffer)?.[off] ?? [];
    light(some, 'byte');
    if (some.length === 0) fill(told, h('b', {}, `byte ${off.toString(16)}h`), ' belongs to no field that is listed');
  };
  const left = h('div', { class: 'bytes' });
  for (const [buffer, digits, label] of [['wqe', view.hex, view.what === 'cqe' ? 'Bytes of the completion' : 'Bytes of the work request'], ['list', view.list, 'Bytes of the list it points to']]) {
    if (digits) grids.push(grid(left, buffer, digits, label, names.get(buffer) ?? [], byteLit(buffer)));
  }
  const right = fields(view, spots, light);
  fill(box, h('h3', {}, view.title), view.summary ? h('p', {}, view.summary) : null, view.error ? h('p', { class: 'error' }, view.error) : null, found(view),
    h('div', { class: 'both' }, left, h('div', { class: 'fields-side' }, told, right)));
  for (const g of grids) g.start();
  return {
    light(buffer, offset, size) {
      light(spots.filter((s) => s.buffer === buffer && s.offset < offset + size && offset < s.offset + s.size), 'outside');
    },
  };
}

// reveal scrolls a row of the fields into sight within its own box only.
function reveal(row) {
  const box = row.closest('.field-rows');
  const r = row.getBoundingClientRect();
  const b = box.getBoundingClientRect();
  if (r.top < b.top + 26) box.scrollTop += r.top - b.top - 26;
  else if (r.bottom > b.bottom) box.scrollTop += r.bottom - b.bottom;
}

// spotsOf gives everything that has bytes: fields, and entries of lists.
function* spotsOf(view) {
  for (const p of view.parts) {
    for (const f of p.fields ?? []) {
      yield { buffer: p.buffer, offset: f.offset, size: f.size, part: p, field: f, title: `${p.name}.${f.name}`, told: `${f.position} = ${f.value}${meaning(f)}` };
    }
    for (const r of p.rows ?? []) {
      if (r.omitted) yield { buffer: p.buffer, offset: r.offset, size: r.size, part: p, entry: r, title: `${count(r.omitted)} entries`, told: 'are not listed' };
      else yield { buffer: p.buffer, offset: r.offset, size: r.size, part: p, entry: r, title: `entry ${r.index} of the list`, told: (r.fields ?? []).map((f) => `${f.name} ${f.text || f.value}`).join(', ') + (r.remark ? ` (${r.remark})` : '') };
    }
    if (!p.fields?.length && !p.rows?.length) yield { buffer: p.buffer, offset: p.offset, size: p.size, part: p, title: p.title || p.name, told: p.state ? `: ${p.state}` : '' };
  }
}

const meaning = (f) => (f.text && f.text !== f.value ? ` (${f.text})` : '') + (f.meaning ? `: ${f.meaning}` : '') + (f.state ? ` – ${f.state}` : '');

// grid shows bytes, 16 a row. Arrow keys move a cursor through them.
function grid(parent, buffer, digits, label, names, onByte) {
  const n = digits.length / 2;
  const box = h('div', { class: 'windowed hex mono', tabindex: '0', role: 'group', 'aria-label': `${label}; arrow keys move from byte to byte`, 'data-buffer': buffer });
  parent.append(h('p', { class: 'hint' }, `${label}: ${count(n)}`), box);
  let shown = [];
  let cursor = -1;
  const make = () => h('div', {}, h('span', { class: 'muted' }), Array.from({ length: across }, (_, i) => h('i', { 'data-col': i })));
  const update = (row, r) => {
    row.dataset.row = r;
    row.firstChild.textContent = (r * across).toString(16).padStart(3, '0');
    for (let i = 0; i < across; i++) {
      const off = r * across + i;
      const cell = row.children[i + 1];
      cell.textContent = off < n ? digits.slice(2 * off, 2 * off + 2) : '';
      const s = names[off]?.[0];
      const state = s?.field?.state ?? s?.part.state ?? '';
      const on = shown.some((s) => off >= s.offset && off < s.offset + s.size);
      cell.className = `${on ? 'lit' : ''} ${off === cursor ? 'at' : ''} ${/stale|reserved|not/.test(state) ? 'odd' : ''} ${digits.slice(2 * off, 2 * off + 2) === '00' ? 'zero' : ''} p${s ? s.part.offset / 16 % 2 : 0}`;
    }
  };
  const rows = Math.ceil(n / across);
  box.style.maxHeight = `${Math.min(rows, 24) * rowHeight + 10}px`;
  let list;
  const go = (off) => {
    cursor = Math.max(0, Math.min(n - 1, off));
    list.row(Math.floor(cursor / across));
    onByte(cursor);
  };
  box.addEventListener('mouseover', (e) => {
    const col = e.target.dataset?.col;
    if (col === undefined) return;
    const off = Number(e.target.parentElement.dataset.row) * across + Number(col);
    if (off < n) {
      cursor = off;
      onByte(off);
    }
  });
  box.addEventListener('focus', () => cursor < 0 && go(0));
  box.addEventListener('keydown', (e) => {
    const to = { ArrowLeft: cursor - 1, ArrowRight: cursor + 1, ArrowUp: cursor - across, ArrowDown: cursor + across, PageUp: cursor - 8 * across, PageDown: cursor + 8 * across, Home: 0, End: n - 1 }[e.key];
    if (to === undefined || e.ctrlKey || e.altKey) return;
    e.preventDefault();
    go(to);
  });
  return {
    buffer,
    start() {
      list = windowed(box, rowHeight, make, update);
      list.resize(rows);
    },
    light(some, move) {
      shown = some.length ? shown.concat(some) : [];
      if (move && some.length) list.row(Math.floor(some[0].offset / across));
      for (const i of list.rows.keys()) list.refresh(i);
    },
  };
}

// fields lists the parts with their fields and entries. One row can be reached
// by Tab; arrow keys go on from there.
function fields(view, spots, light) {
  const body = h('div', { class: 'field-rows scroll', role: 'group', 'aria-label': 'Fields; arrow keys move from one to the next' });
  let part = null;
  let table = null;
  for (const s of spots) {
    if (s.part !== part) {
      part = s.part;
      table = h('tbody');
      body.append(h('table', {}, h('caption', {}, h('b', {}, part.name), ` ${part.title ?? ''} `, part.authority ? h('span', { class: 'authority' }, part.authority) : null), table));
    }
    table.append((s.row = row(s)));
    s.row.spot = s;
  }
  const rows = spots.map((s) => s.row);
  if (rows[0]) rows[0].tabIndex = 0;
  const at = (e) => e.target.closest('tr[tabindex]');
  body.addEventListener('mouseover', (e) => at(e) && light([at(e).spot], 'field'));
  body.addEventListener('focusin', (e) => {
    const row = at(e);
    if (!row) return;
    for (const r of rows) r.tabIndex = r === row ? 0 : -1;
    light([row.spot], 'field');
  });
  body.addEventListener('keydown', (e) => {
    const i = rows.indexOf(at(e));
    const to = { ArrowUp: i - 1, ArrowDown: i + 1, Home: 0, End: rows.length - 1 }[e.key];
    if (i < 0 || to === undefined) return;
    e.preventDefault();
    rows[to]?.focus();
  });
  return body;
}

function row(s) {
  const odd = s.field?.state ?? '';
  if (s.field) {
    const f = s.field;
    return h('tr', { tabindex: '-1', class: `${odd === 'reserved' || odd === 'stale' ? 'odd' : ''} ${/^0x0*$/.test(f.value) && !f.meaning ? 'zero' : ''}` },
      h('td', { class: 'mono' }, f.position), h('td', {}, f.name, h('span', { class: 'mono value' }, f.value)), h('td', {}, [f.text !== f.value && f.text, f.meaning, f.state].filter(Boolean).join('; ')));
  }
  if (s.entry) {
    return h('tr', { tabindex: '-1' }, h('td', { class: 'mono' }, s.offset.toString(16).padStart(3, '0')), h('td', {}, s.entry.omitted ? '' : `entry ${s.entry.index}`), h('td', {}, s.entry.omitted ? `${s.title} ${s.told}` : s.told));
  }
  return h('tr', { tabindex: '-1', class: odd }, h('td', { class: 'mono' }, s.offset.toString(16).padStart(3, '0')), h('td', { colspan: '2' }, `${count(s.size)} bytes${s.told}`));
}

// found lists what the strict decoder says.
function found(view) {
  if (view.findings.length === 0 && view.what === 'cqe') return null;
  if (view.findings.length === 0) return h('p', { class: 'good' }, 'The strict decoder has nothing to say.');
  return h('ol', { class: 'found' }, view.findings.map((f) => h('li', { class: f.severity },
    h('b', {}, `${f.severity} at ${f.offset.toString(16).padStart(3, '0')} `), h('code', {}, f.field), ' ', f.text, ' ', h('span', { class: 'authority' }, f.authority))));
}
