// What the reader has chosen, and its history. Every part of the page listens to
// it and changes it through edit, choose and goTo.

import { later } from './dom.js';

export const state = { text: '', strategy: '', bug: '', request: null };

const listeners = new Set();
let past = []; // states before this one, the newest last
let future = [];
let lastEdit = { source: '', time: 0 };
const mostPast = 200;
const together = 700; // ms within which edits from one place are one step back

export function listen(fn) {
  listeners.add(fn);
}

function tell(what, source) {
  for (const fn of listeners) fn(what, source);
}

const copy = () => ({ text: state.text, strategy: state.strategy, bug: state.bug });

function remember(source) {
  const now = performance.now();
  if (source !== lastEdit.source || now - lastEdit.time > together) {
    past.push(copy());
    if (past.length > mostPast) past = past.slice(-mostPast);
  }
  lastEdit = { source, time: now };
  future = [];
}

// edit changes the text. source names the part of the page that did it, which
// need not be told of it.
export function edit(text, source) {
  if (text === state.text) return;
  remember(source);
  state.text = text;
  state.request = null;
  tell('text', source);
}

// choose changes the strategy or the bug.
export function choose(changes, source = 'choice') {
  const keys = Object.keys(changes).filter((k) => changes[k] !== state[k]);
  if (keys.length === 0) return;
  if (keys.some((k) => k !== 'request')) {
    remember(source + keys);
    state.request = null;
  }
  Object.assign(state, changes);
  tell('choice', source);
}

// replace sets everything, as a link or an example does.
export function replace(next, { keep = true } = {}) {
  if (keep && state.text !== '') past.push(copy());
  lastEdit = { source: '', time: 0 };
  future = [];
  Object.assign(state, { strategy: '', bug: '', request: null }, next);
  tell('all', 'replace');
}

function step(from, to) {
  const s = from.pop();
  if (!s) return false;
  to.push(copy());
  lastEdit = { source: '', time: 0 };
  Object.assign(state, s, { request: null });
  tell('all', 'history');
  return true;
}

export const undo = () => step(past, future);
export const redo = () => step(future, past);
export const canUndo = () => past.length > 0;
export const canRedo = () => future.length > 0;

// whenSettled runs fn when the state has not changed for a while.
export function whenSettled(ms, fn) {
  listen(later(ms, fn));
}
