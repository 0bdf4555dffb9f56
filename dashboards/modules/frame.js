// What every page does each second: the clock, ages, and the rule of silence.
// The server says with each status until when it holds; past that moment, and
// whether or not the connection lives, a value is silent.

import { ago, moment, t, timeOfDay } from './words.js';

/** Shows one of the shapes of the layout. */
export function shape(el, name) {
  el.querySelector(':scope > .status use, :scope > .mark use')?.setAttribute('href', `#s-${name}`);
}

/** Sets text only if it differs, so that nothing is announced or repainted in vain. */
export function say(el, text) {
  if (el && el.textContent !== text) el.textContent = text;
}

/** Marks a reading's element with a status. */
export function mark(el, state, word, until) {
  if (el.dataset.state !== state) {
    el.dataset.state = state;
    shape(el, state);
  }
  say(el.querySelector('.word'), word);
  el.dataset.until = until;
}

function expire(el, now) {
  const until = Number(el.dataset.until);
  if (!until || now <= until) return;
  if (el.dataset.link) {
    el.dataset.link = 'silent';
    shape(el, 'silent');
    say(el.querySelector('.word'), t('silent'));
    el.dataset.until = 0;
    return;
  }
  mark(el, 'silent', el.dataset.expired ?? t('silent'), 0);
}

const worst = ['not-ok', 'silent', 'undated', 'live'];

/** A sensor is in the worst state of its readings; the tally counts sensors. */
export function tally() {
  const counts = Object.fromEntries(worst.map((s) => [s, 0]));
  for (const card of document.querySelectorAll('[data-sensor]')) {
    const states = [...card.querySelectorAll('[data-series]')].map((r) => r.dataset.state);
    const state = worst.find((s) => states.includes(s)) ?? 'silent';
    if (card.dataset.state !== state) card.dataset.state = state;
    if (!card.closest('.retired')) counts[state]++;
  }
  for (const pill of document.querySelectorAll('#tally [data-state]')) {
    if (!(pill.dataset.state in counts)) continue; // it counts something else
    const n = String(counts[pill.dataset.state]);
    if (pill.dataset.n !== n) {
      pill.dataset.n = n;
      say(pill.querySelector('.n'), n);
    }
  }
}

/** Ages below root, by the server's time now. */
export function ages(root, now) {
  for (const t of root.querySelectorAll('time[data-ago]')) {
    const at = Number(t.dataset.ago);
    say(t, ago(now - at));
    if (!t.title) t.title = `${moment(at)} UTC`;
  }
}

function link(live) {
  const el = document.getElementById('link');
  const [state, text] = {
    connecting: ['silent', t('connecting')],
    live: ['live', t('live')],
    lost: ['not-ok', t('connection lost, showing values as of {time}', { time: timeOfDay(live.asOf) })],
  }[live.state];
  el.dataset.state = state;
  shape(el, state);
  say(el.querySelector('.word'), text);
}

/** Starts the ticking of a page that follows live. */
export function frame(live) {
  const tick = () => {
    const now = live.now();
    say(document.getElementById('clock'), timeOfDay(now));
    if (live.state === 'live') say(document.getElementById('printed-at'), moment(now)); // a lost page is as old as it is
    for (const el of document.querySelectorAll('[data-until]')) expire(el, now);
    ages(document, now);
    tally();
  };
  live.addEventListener('state', () => { link(live); tick(); });
  link(live);
  tick();
  setInterval(tick, 1000);
  document.documentElement.dataset.ready = '';
}

/** Puts a value of the stream in its place; returns its element, if shown. */
export function value(v, now) {
  const el = document.querySelector(`[data-series="${CSS.escape(v.k)}"]`);
  if (!el) return null;
  say(el.querySelector('.num'), v.v);
  el.classList.toggle('none', v.n === undefined);
  mark(el, v.s, v.w, v.u);
  const age = el.querySelector('.age');
  if (v.t) {
    let t = age.querySelector('time');
    if (!t) {
      t = document.createElement('time');
      age.replaceChildren(t);
    }
    t.dataset.ago = v.t;
    t.dateTime = new Date(v.t).toISOString();
    t.title = `${moment(v.t)} UTC`;
    say(t, ago(now - v.t));
  }
  return el;
}
