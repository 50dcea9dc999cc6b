// The fields beside the text: each shows and changes one line of the case.

import { byId, fill, h, option } from './dom.js';
import { edit, listen, state } from './store.js';
import { read, setKey } from './casetext.js';

const rights = [['lr', 'local read'], ['lw', 'local write'], ['rr', 'remote read'], ['rw', 'remote write'], ['a', 'atomic']];
const defaultRights = 'lw|rr|rw';

const main = [
  { key: 'page-size', label: 'Page size', hint: '4096', list: ['512', '4096', '16384', '65536', '2097152', '1073741824'] },
  { key: 'dialect', label: 'Dialect of the work requests', names: 'dialects', empty: 'linux (default)' },
  { key: 'profile', label: 'Device profile', names: 'profiles', empty: 'default' },
  { key: 'dir', label: 'The peer', names: { read: 'reads', write: 'writes' }, empty: 'reads and writes' },
];
const limits = [
  { key: 'offset', label: 'Bytes left out at the start', hint: '0' },
  { key: 'dma', label: 'DMA mapping', hint: 'identity', list: ['merge', 'merge 65536', 'split 4096', 'split 65536'] },
  { key: 'max-entries', label: 'Descriptors of a region', hint: 'the device’s' },
  { key: 'max-entry-bytes', label: 'Bytes of a descriptor', hint: 'the device’s' },
  { key: 'max-regions', label: 'Regions of a command', hint: 'no limit' },
  { key: 'max-inline', label: 'Bytes of an inline list', hint: 'the dialect’s' },
  { key: 'queue', label: 'Send queue, WQEBBs [@ position]', hint: '1024' },
  { key: 'pool', label: 'Elements in the pool', hint: '64' },
  { key: 'iova', label: 'Address for the peer (umem)', hint: 'the first entry’s' },
  { key: 'pgsz-bitmap', label: 'Page sizes, bit mask (umem)', hint: '4 KiB and up' },
];

const shown = new Map(); // key → { control, problem, read }

// build makes the fields, once the names that the server knows are there.
export function build(names) {
  fill(byId('fields'), main.map((f) => field(f, names)), rightsField());
  fill(byId('limit-fields'), limits.map((f) => field(f, names)));
  listen((what, source) => source !== 'form' && show());
  show();
}

function field(f, names) {
  const id = `f-${f.key}`;
  const about = `${id}-error`;
  let control;
  if (f.names) {
    const known = typeof f.names === 'string' ? names[f.names].map((n) => [n, n]) : Object.entries(f.names);
    control = h('select', { id, 'aria-describedby': about }, option('', f.empty), known.map(([v, l]) => option(v, l)));
  } else {
    const list = f.list ? h('datalist', { id: `${id}-list` }, f.list.map((v) => option(v))) : null;
    control = h('input', { id, placeholder: f.hint, list: list?.id, 'aria-describedby': about, spellcheck: 'false' });
    if (list) control.append(list);
  }
  const problem = h('p', { id: about, class: 'problem', role: 'alert' });
  control.addEventListener(f.names ? 'change' : 'input', () => edit(setKey(state.text, f.key, control.value.trim()), 'form'));
  shown.set(f.key, { control, problem, show: (v) => (control.value = v) });
  const list = control.querySelector('datalist');
  return h('div', { class: 'field' }, h('label', { for: id }, f.label), control, list, problem);
}

function rightsField() {
  const boxes = rights.map(([name, label]) => h('input', { type: 'checkbox', value: name, id: `f-access-${name}`, title: label, onchange: changed }));
  function changed() {
    const chosen = boxes.filter((b) => b.checked).map((b) => b.value).join('|');
    edit(setKey(state.text, 'access', chosen === defaultRights ? '' : chosen), 'form');
  }
  const problem = h('p', { id: 'f-access-error', class: 'problem', role: 'alert' });
  const set = h('fieldset', { class: 'field wide', 'aria-describedby': problem.id },
    h('legend', {}, 'Rights'), h('div', {}, boxes.map((b, i) => h('label', {}, b, rights[i][1]))), problem);
  shown.set('access', {
    control: set, problem,
    show(v) {
      const chosen = (v || defaultRights).split('|').map((s) => s.trim());
      for (const b of boxes) b.checked = chosen.includes(b.value);
    },
  });
  return set;
}

// show brings the text's values into the fields.
function show() {
  const { keys } = read(state.text);
  for (const [key, f] of shown) {
    if (f.control !== document.activeElement || key === 'access') f.show(keys.get(key)?.value ?? '');
  }
  if (limits.some((f) => keys.has(f.key))) byId('limits').open = true;
}

// complain puts a problem beside its field; the answer says whether there is
// one for it. Without a problem all fields are well.
export function complain(place) {
  for (const [key, f] of shown) {
    const mine = place?.field === key;
    f.problem.textContent = mine ? place.message : '';
    if (mine) f.control.setAttribute('aria-invalid', 'true');
    else f.control.removeAttribute('aria-invalid');
    if (mine && f.control.closest('details')) byId('limits').open = true;
  }
  return shown.has(place?.field);
}
