// The byte stream: entries, descriptors and keys above each other on one scale,
// and a position in it that can be hovered, moved by keyboard, or typed. What is
// at the position is told in words and shown everywhere else on the page.

import { byId, bytes, count, fill, h, hex } from './dom.js';
import { all } from './borders.js';

const box = byId('stream');
let answer = null;
let ends = []; // of the entries in the stream
let total = 0;
let at = 0;
let parts; // the elements
let onMove = () => {};
let ticks = []; // where something begins, ascending

export function build(move) {
  onMove = move;
  const bands = h('div', { class: 'bands', 'aria-hidden': 'true' });
  const cursor = h('div', { class: 'cursor' });
  const slider = h('div', {
    class: 'stream-slider', role: 'slider', tabindex: '0', 'aria-label': 'Position in the stream', 'aria-describedby': 'stream-hint',
    onkeydown: key, onpointermove: hover, onpointerdown: hover,
  }, bands, cursor);
  const number = h('input', { id: 'stream-at', class: 'mono', inputmode: 'numeric', spellcheck: 'false', oninput: (e) => /^\s*(0x[0-9a-f]+|\d+)\s*$/i.test(e.target.value) && go(Number(e.target.value), 'number') });
  const told = h('p', { id: 'told', class: 'told' });
  fill(box, slider,
    h('div', { class: 'stream-line' }, h('label', { for: 'stream-at' }, 'Byte of the stream'), number,
      h('button', { type: 'button', onclick: () => jump(-1) }, 'Border before'), h('button', { type: 'button', onclick: () => jump(1) }, 'Next border')),
    told,
    h('p', { class: 'hint screen-only', id: 'stream-hint' }, 'Point at the bands, or focus them: ← → by a byte, with Shift by 16, Page Up and Page Down by a page, Home and End.'));
  parts = { bands, cursor, slider, number, told };
}

export function show(a) {
  answer = a;
  const p = a.picture;
  const st = p.strategies[a.shown];
  total = p.bytes;
  ends = [];
  let sum = 0;
  for (const e of all()) ends.push((sum += Number(e.len ?? 0n)));
  const entries = p.list.map((e, i) => ({ from: e.stream, len: e.len, kind: e.skipped ? 'many' : `c${e.index % 8}`, title: e.skipped ? `${count(e.skipped)} entries` : `entry ${e.index}`, i }));
  const regions = (st?.regions ?? []).filter((r) => !r.aux);
  const pieces = regions.flatMap((r) => r.pieces.map((d) => ({ from: d.stream, len: d.len, kind: d.wrong ? 'wrong' : d.skipped ? 'many' : `t${d.index % 2}`, title: pieceName(r, d) })));
  const keys = regions.map((r, i) => ({ from: r.stream, len: r.bytes, kind: r.skipped ? 'many' : `t${i % 2}`, title: `${r.kind} ${r.key}` }));
  fill(parts.bands, band('entries', entries), band('descriptors', pieces), band('keys', keys));
  ticks = [...new Set([...ends, ...pieces.map((d) => d.from), total])].sort((x, y) => x - y);
  byId('stream-about').textContent = total ? bytes(total) : 'is empty';
  parts.slider.setAttribute('aria-valuemin', '0');
  parts.slider.setAttribute('aria-valuemax', String(Math.max(0, total - 1)));
  go(st?.blame ? st.blame.stream : Math.min(at, Math.max(0, total - 1)), 'answer');
}

// band draws runs of the stream; what is narrower than a quarter of a pixel is
// left to its neighbours.
function band(name, runs) {
  const strip = h('div', { class: 'strip' });
  const least = total / 4000;
  for (const r of runs) {
    if (r.len < least && r.kind !== 'wrong') continue;
    const e = h('i', { class: r.len < total / 300 ? `${r.kind} tiny` : r.kind, title: r.title });
    e.style.left = `${(100 * r.from) / total}%`;
    e.style.width = `${(100 * r.len) / total}%`;
    strip.append(e);
  }
  return h('div', { class: 'band' }, h('span', {}, name), strip);
}

const pieceName = (r, d) => (d.skipped ? `${r.kind} ${d.index} to ${d.index + d.skipped - 1}` : `${r.kind} ${d.index}`);

function hover(event) {
  const strip = parts.bands.querySelector('.strip');
  if (!strip || total === 0) return;
  const r = strip.getBoundingClientRect();
  const x = (event.clientX - r.left) / r.width;
  if (x >= 0 && x <= 1) go(Math.min(total - 1, Math.floor(x * total)), 'hover');
}

function key(event) {
  const one = event.shiftKey ? 16 : 1;
  const page = answer?.picture.page_size ?? 4096;
  const to = { ArrowLeft: at - one, ArrowRight: at + one, ArrowDown: at - one, ArrowUp: at + one, PageDown: at - page, PageUp: at + page, Home: 0, End: total - 1 }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  go(to, 'key');
}

function jump(way) {
  const to = way > 0 ? ticks.find((t) => t > at) : ticks.findLast((t) => t < at);
  if (to !== undefined) go(to, 'jump');
}

// entryAt is the entry that a stream byte belongs to: the first whose end is
// behind it.
function entryAt(off) {
  let low = 0;
  let high = ends.length;
  while (low < high) {
    const mid = (low + high) >> 1;
    if (ends[mid] > off) high = mid;
    else low = mid + 1;
  }
  return low;
}

export function go(to, source) {
  at = Math.max(0, Math.min(Math.round(to) || 0, Math.max(0, total - 1)));
  parts.cursor.hidden = total === 0;
  const strip = parts.bands.querySelector('.strip');
  if (strip && total) parts.cursor.style.left = `${strip.offsetLeft + (strip.offsetWidth * (at + 0.5)) / total}px`;
  if (source !== 'number') parts.number.value = at;
  const place = find();
  parts.slider.setAttribute('aria-valuenow', String(at));
  parts.slider.setAttribute('aria-valuetext', place.words);
  fill(parts.told, place.told);
  onMove(place, source);
}

// find says what is at the position.
function find() {
  if (total === 0 || !answer) return { entry: -1, piece: null, words: 'no stream', told: ['The list has no bytes.'] };
  const entry = entryAt(at);
  const e = all()[entry];
  const start = entry > 0 ? ends[entry - 1] : 0;
  const memory = (e?.addr ?? 0n) + BigInt(at - start);
  const st = answer.picture.strategies[answer.shown];
  const region = st?.regions.find((r) => !r.aux && at >= r.stream && at < r.stream + r.bytes) ?? null;
  const piece = region?.pieces.find((d) => at >= d.stream && at < d.stream + d.len) ?? null;
  const words = `byte ${at}: entry ${entry} at offset ${at - start}, memory ${hex(memory)}`;
  const told = [h('strong', {}, `Byte ${count(at)}`), ` is byte ${count(at - start)} of `, h('b', {}, `entry ${entry}`), ', in memory at ', h('code', {}, hex(memory)),
    `, ${count(memory & BigInt(answer.picture.page_size - 1))} bytes into its page. `, ...reached(st, region, piece)];
  return { at, entry, memory, region, piece, words, told };
}

// reached says how the shown strategy gets there.
function reached(st, region, piece) {
  if (!region) return st?.answer === 'refused' ? [`${st.strategy} refused the list: nothing leads there.`] : ['No key of the shown strategy leads there.'];
  const key = region.kind === 'SGE' ? `RDMA request ${region.request}` : `${region.kind} key `;
  const out = [region.skipped ? `One of ${count(region.skipped)} ${region.kind} keys` : key, region.kind === 'SGE' ? null : h('code', {}, region.key), ' gets there'];
  if (piece && !region.skipped) {
    const inside = BigInt(at - piece.stream);
    out.push(' by ', h('b', {}, piece.skipped ? `one of ${pieceName(region, piece)}` : pieceName(region, piece)), ', peer address ', h('code', {}, hex(BigInt(piece.va) + inside)));
    if (piece.via?.length) out.push(', by way of bounce memory at ', h('code', {}, hex(reach(piece.via, inside))));
    if (piece.wrong) out.push(h('strong', { class: 'bad' }, ` – but what it reaches is ${piece.refused ? `nothing: ${piece.refused}` : `memory at ${hex(reach(piece.memory ?? [], inside))}`}`));
  }
  return out.concat('.');
}

// reach is the address of byte n of a run of extents.
function reach(extents, n) {
  for (const x of extents) {
    const len = BigInt(x.len);
    if (n < len) return BigInt(x.addr) + n;
    n -= len;
  }
  return 0n;
}
