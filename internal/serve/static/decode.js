// The second view: a pasted dump, item by item.

import { byId, fill, h, later, option, plural } from './dom.js';
import { latest } from './api.js';
import { show as showBytes } from './bytes.js';

const ask = latest('api/decode');
let doc = null;
let chosen = 0;

// An example: a registration as a kernel log has it, and the error completion
// that followed.
const example = `[ 4127.002000] mlx5_0:dump_cqe:272:(pid 0): dump error cqe
[ 4127.002011] 00000000: 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
[ 4127.002013] 00000010: 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
[ 4127.002015] 00000020: 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
[ 4127.002017] 00000030: 00 00 00 00 00 00 78 06 25 00 12 34 00 00 5d d2
[ 4127.002019] WQE DUMP: WQ size 1024 WQ cur size 0, WQE index 0x0, len: 192
[ 4127.002021] 00000000: 00 00 00 25 00 12 34 0c 00 00 00 60 00 10 00 01
[ 4127.002023] 00000010: a0 00 00 00 00 04 00 00 00 00 00 00 20 9e 21 43
[ 4127.002025] 00000020: 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
[ 4127.002027] 00000030: 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
[ 4127.002029] 00000040: 00 00 be 00 ff ff ff 01 00 00 00 00 01 00 00 00
[ 4127.002031] 00000050: 00 00 00 00 10 00 0f ff 00 00 00 00 00 00 20 4e
[ 4127.002033] 00000060: 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
[ 4127.002035] 00000070: 00 00 00 00 00 00 00 08 00 00 00 00 00 00 00 00
[ 4127.002037] 00000080: 00 00 00 01 00 00 18 00 00 00 00 00 10 00 0f ff
[ 4127.002039] 00000090: 00 00 20 00 00 00 18 00 00 00 00 00 20 00 00 00
[ 4127.002041] 000000a0: 00 00 00 4d 00 00 18 00 00 00 00 00 30 00 01 23
[ 4127.002043] 000000b0: 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
`;

export function build(names) {
  fill(byId('rules'), names.rules.map((n) => option(n === 'auto' ? '' : n, { auto: 'the producer that fits', none: 'no producer in particular' }[n] ?? n)));
  const soon = later(80, decode);
  byId('dump').addEventListener('input', soon);
  byId('rules').addEventListener('change', decode);
  byId('dump-example').addEventListener('click', () => {
    byId('dump').value = example;
    decode();
  });
}

async function decode() {
  const text = byId('dump').value;
  const error = byId('dump-error');
  if (text.trim() === '') {
    error.textContent = '';
    fill(byId('dump-verdict'));
    return fill(byId('dump-items'));
  }
  try {
    const got = await ask({ text, dialect: byId('rules').value });
    if (!got) return;
    got.more ??= 0;
    error.textContent = '';
    byId('dump').removeAttribute('aria-invalid');
    doc = got;
    chosen = Math.min(chosen, doc.items.length - 1);
    show();
  } catch (e) {
    const p = e.place ?? { message: String(e) };
    error.textContent = (p.line ? `Line ${p.line}: ` : '') + p.message;
    byId('dump').setAttribute('aria-invalid', 'true');
  }
}

function show() {
  const verdict = byId('dump-verdict');
  verdict.className = doc.errors + doc.broken + doc.failed > 0 ? 'warning' : 'note fine';
  fill(verdict, h('p', {}, h('strong', {}, doc.format), `: ${plural(doc.items.length + doc.more, 'item')}. `,
    doc.broken ? `${plural(doc.broken, 'item')} cannot be decoded. ` : '', doc.failed ? `${plural(doc.failed, 'completion')} with error. ` : '',
    doc.errors ? `${plural(doc.errors, 'error')} ` : 'No error ', 'found by the strict decoder', doc.warnings ? `, ${plural(doc.warnings, 'warning')}` : '', '.'),
  doc.more ? h('p', {}, `${plural(doc.more, 'item')} of a long dump are not shown.`) : null);
  const item = h('div', { id: 'dump-item' });
  fill(byId('dump-items'), doc.items.length > 1 ? chooser() : null, item);
  one(item);
}

function chooser() {
  return h('div', { class: 'chooser' }, h('label', { for: 'dump-choice' }, 'Item'),
    h('select', { id: 'dump-choice', onchange: (e) => {
      chosen = Number(e.target.value);
      one(byId('dump-item'));
    } }, doc.items.map((it, i) => {
      const o = option(i, `${i}: ${it.title}${it.error ? ' – cannot be decoded' : it.findings.length ? ` – ${plural(it.findings.length, 'finding')}` : ''}`);
      o.selected = i === chosen;
      return o;
    })));
}

function one(box) {
  const it = doc.items[chosen];
  const block = doc.blocks[it.block];
  const about = h('div');
  const bytes = h('div');
  fill(box, about, bytes);
  showBytes(bytes, it);
  const s = it.syndrome;
  fill(about, block?.source ? h('p', { class: 'muted' }, block.line ? `Line ${block.line}: ` : '', h('code', {}, block.source)) : null,
    it.dialect ? h('p', {}, it.dialect.summary) : null,
    s ? h('div', { class: 'error' }, h('p', {}, h('strong', {}, `${s.value} ${s.name}`), s.status ? ` (${s.status})` : '', `: ${s.meaning}`),
      s.causes?.length ? h('ul', {}, s.causes.map((c) => h('li', {}, c))) : null, s.vendor ? h('p', {}, s.vendor) : null) : null,
    it.match ? h('p', {}, it.match.text) : null);
}
