// The picture that the server draws of the shown strategy.

import { byId } from './dom.js';

// The one place where a string becomes markup; the page's policy allows no other.
const trusted = globalThis.trustedTypes?.createPolicy('sgfuzz-picture', { createHTML: (s) => s }) ?? { createHTML: (s) => s };

// show puts the picture in. point is told of the stream position under the
// pointer.
export function show(svg) {
  const box = byId('picture');
  const doc = new DOMParser().parseFromString(trusted.createHTML(svg), 'image/svg+xml');
  const root = doc.documentElement;
  if (root.localName !== 'svg') throw new Error('the picture is no SVG');
  box.replaceChildren(document.importNode(root, true));
}
