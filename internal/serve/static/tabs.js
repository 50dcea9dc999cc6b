// The two views and their tabs.

import { byId } from './dom.js';

const tabs = [
  { tab: 'tab-case', view: 'case-view', tools: 'case-tools' },
  { tab: 'tab-dump', view: 'dump-view', hash: '#dump' },
];

export function build() {
  tabs.forEach((t, i) => {
    const tab = byId(t.tab);
    tab.addEventListener('click', () => select(i));
    tab.addEventListener('keydown', (e) => {
      const to = { ArrowLeft: i - 1, ArrowRight: i + 1, Home: 0, End: tabs.length - 1 }[e.key];
      if (to === undefined || !tabs[to]) return;
      e.preventDefault();
      select(to);
      byId(tabs[to].tab).focus();
    });
  });
}

function select(i) {
  tabs.forEach((t, k) => {
    byId(t.tab).setAttribute('aria-selected', String(k === i));
    byId(t.tab).tabIndex = k === i ? 0 : -1;
    byId(t.view).hidden = k !== i;
    if (t.tools) byId(t.tools).hidden = k !== i;
  });
}

// open selects the view that a fragment asks for.
export function open(hash) {
  const i = tabs.findIndex((t) => t.hash === hash);
  if (i >= 0) select(i);
}
