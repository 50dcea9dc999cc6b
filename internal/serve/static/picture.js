// The picture that the server draws of the shown strategy.

import { byId } from './dom.js';

// The one place where a string becomes markup; the page's policy allows no other.
const trusted = globalThis.trustedTypes?.createPolicy('sgfuzz-picture', { createHTML: (s) => s }) ?? { createHTML: (s) => s };

const box = byId('picture');
let shapes = []; // what stands for stream bytes: { from, bytes, element }
let lands = []; // what stands for memory of one entry: { entry, addr, bytes, element }
let here = [];

// build tells point of the stream position under the pointer.
export function build(point) {
  box.addEventListener('pointermove', (event) => {
    const e = event.target.closest?.('[data-from]');
    if (!e) return;
    const r = e.querySelector('rect').getBoundingClientRect();
    const part = Math.min(1, Math.max(0, (event.clientY - r.top) / r.height));
    const n = Number(e.dataset.bytes);
    point(Number(e.dataset.from) + Math.min(n - 1, Math.floor(part * n)));
  });
}

// show puts a picture in.
export function show(svg) {
  const doc = new DOMParser().parseFromString(trusted.createHTML(svg), 'image/svg+xml');
  const root = doc.documentElement;
  if (root.localName !== 'svg') throw new Error('the picture is no SVG');
  box.replaceChildren(document.importNode(root, true));
  const of = (e) => ({ element: e, bytes: Number(e.dataset.bytes) });
  shapes = [...box.querySelectorAll('[data-from]')].map((e) => ({ ...of(e), from: Number(e.dataset.from) }));
  lands = [...box.querySelectorAll('[data-entry]')].map((e) => ({ ...of(e), entry: Number(e.dataset.entry), addr: BigInt(e.dataset.addr) }));
  here = [];
}

// light marks what stands for a byte of the stream and where that is in memory,
// and with reveal scrolls the picture there.
export function light({ at, entry, memory }, reveal) {
  for (const e of here) e.classList.remove('here');
  here = [];
  if (at === undefined) return;
  for (const s of shapes) if (at >= s.from && at < s.from + s.bytes) here.push(s.element);
  for (const l of lands) if (l.entry === entry && memory >= l.addr && memory < l.addr + BigInt(l.bytes)) here.push(l.element);
  for (const e of here) e.classList.add('here');
  if (!reveal || here.length === 0) return;
  const r = here[0].getBoundingClientRect();
  const b = box.getBoundingClientRect();
  if (r.top < b.top || r.bottom > b.bottom) box.scrollTop += r.top - b.top - b.height / 3;
}
