// The verdict and the table of strategies: which is shown, what each answered
// and what it costs.

import { byId, bytes, count, fill, h, plural } from './dom.js';
import { choose } from './store.js';

const words = { accepted: 'takes it', partial: 'in parts', refused: 'refuses', broken: 'broke' };
const costs = [
  ['keys', 'mrs'], ['work requests', 'wqes'], ['their bytes', 'wqe_bytes'], ['descriptors', 'descriptors'],
  ['bytes copied', 'bytes_copied'], ['tuples for the peer', 'remote_descs'],
];

export function show(answer) {
  const p = answer.picture;
  const st = p.strategies[answer.shown];
  verdict(byId('verdict'), p, st);
  if (!st) return fill(byId('answers'));
  const table = h('table', { class: 'answers' },
    h('thead', {}, h('tr', {}, h('th', {}, 'strategy'), h('th', {}, 'answer'), h('th', {}, 'checks'), costs.map(([name]) => h('th', { class: 'num' }, name)))),
    h('tbody', {}, p.strategies.map((s, i) => row(s, i === answer.shown))));
  keepFocus(byId('answers'), table);
}

// keepFocus puts a new table in place of the old one, and the focus where it was.
function keepFocus(box, table) {
  const name = box.contains(document.activeElement) ? document.activeElement.value : null;
  fill(box, table);
  if (name) table.querySelector(`input[value="${name}"]`)?.focus();
}

function row(s, shown) {
  const failed = s.failures?.length > 0;
  const pick = h('input', { type: 'radio', name: 'strategy', value: s.strategy, checked: shown, onchange: () => choose({ strategy: s.strategy }) });
  const why = s.refusal ? `: ${s.refusal.where}` : s.chosen ? `: ${s.chosen}` : '';
  return h('tr', { class: shown ? 'shown' : null, onclick: (e) => e.target.localName !== 'input' && choose({ strategy: s.strategy }) },
    h('td', {}, h('label', {}, pick, s.strategy)),
    h('td', { class: s.answer === 'accepted' ? 'good' : s.answer === 'broken' ? 'bad' : 'warn' }, words[s.answer] + why),
    h('td', { class: failed ? 'bad' : 'good' }, failed ? s.class : 'right'),
    costs.map(([, key]) => h('td', { class: 'num' }, s.cost[key] ? count(s.cost[key]) : '–')));
}

// verdict says in words what the shown strategy did and whether it is right.
function verdict(box, p, s) {
  if (!s) {
    box.className = 'note';
    return fill(box, 'No strategy ran.');
  }
  const failed = s.failures?.length > 0;
  box.className = failed ? 'error' : s.answer === 'accepted' ? 'note fine' : 'warning';
  fill(box,
    h('p', {}, h('strong', {}, s.strategy), ' ', sentence(p, s), ' ', failed ? h('strong', { class: 'bad' }, 'A check failed.') : 'Every check passed.'),
    s.why ? h('p', {}, `Why ${s.chosen}: ${s.why}`) : null,
    p.mutant ? h('p', {}, `With the bug ${p.mutant}: ${p.cause}.`) : null,
    s.blame && !s.failures?.some((f) => said(f) === s.blame.text) ? h('p', {}, h('strong', {}, 'To blame: '), s.blame.text, differing(s.blame)) : null,
    failed ? h('ul', {}, s.failures.map((f) => h('li', {}, said(f)))) : null,
    s.error && !failed ? h('p', {}, s.error) : null);
}

// said is a failure as the command line writes it.
const said = (f) => `check ${f.check} ${f.name}: ${f.text}`;

function differing(b) {
  if (!b.got) return null;
  return h('span', { class: 'got' }, ' There: ', h('code', {}, spaced(b.got)), '; the list has ', h('code', {}, spaced(b.expected)), '.');
}

const spaced = (digits) => digits.replace(/..(?=.)/g, '$& ');

function sentence(p, s) {
  const whole = `${p.entries === 1 ? '1 entry' : `${count(p.entries)} entries`}, ${bytes(p.bytes)}`;
  switch (s.answer) {
    case 'accepted':
      return s.initiator ? `moves the list (${whole}) itself, with ${plural(s.cost.wqes, 'RDMA request')}.`
        : `takes the list (${whole}) with ${plural(s.cost.mrs, 'key')} and ${plural(s.cost.descriptors, 'descriptor')}.`;
    case 'partial':
      return `does not take the list (${whole}) as a whole: ${s.refusal.text}. Prefix by prefix it took ${bytes(s.covered)} in ${plural(s.parts, 'part')}.`;
    case 'refused':
      return `refuses the list (${whole}), rightly: ${s.refusal.text}.`.replace(', rightly', s.failures?.length > 0 ? '' : ', rightly');
    default:
      return `could not register the list (${whole}).`;
  }
}
