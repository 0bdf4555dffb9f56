// One sensor over a chosen time, live at its right edge.

import { Chart } from './chart.js';
import { ages, frame, value } from './frame.js';
import { fresh } from './fresh.js';
import { Live } from './live.js';
import { t } from './words.js';

const range = document.getElementById('range');
const path = location.pathname.split('/').map(decodeURIComponent);
const live = new Live({ gateway: path[2], sensor: path[3] });

let from = Number(range.dataset.from);
let to = Number(range.dataset.to);
const length = Number(range.dataset.live); // ms up to now, 0 for a fixed span

const zoom = (a, b) => {
  const iso = (ms) => new Date(ms).toISOString().replace('.000Z', 'Z');
  location.assign(`?${new URLSearchParams({ from: iso(Math.max(a, 0)), to: iso(b) })}`);
};

const charts = new Map();
for (const el of document.querySelectorAll('[data-chart]')) charts.set(el.dataset.chart, new Chart(el, zoom));

async function load() {
  if (length) { to = Math.round(live.now()); from = to - length; }
  const done = await Promise.allSettled([...charts.values()].map((c) => c.load(from, to)));
  const failed = done.find((d) => d.status === 'rejected');
  document.documentElement.dataset.charts = failed ? 'failed' : 'drawn';
  return !failed;
}

live.addEventListener('values', ({ detail }) => {
  const now = live.now();
  for (const v of detail.values) {
    value(v, now);
    const quantity = v.k.split('/').at(-1);
    if (length && v.n !== undefined && v.d) charts.get(quantity)?.append(v.t, v.n);
  }
  if (length) slide();
});

// Redrawn at most once a frame, and each second so that time passes even when
// nothing comes.
let asked;
function slide() {
  if (asked || document.hidden) return;
  asked = requestAnimationFrame(() => {
    asked = undefined;
    to = Math.round(live.now());
    from = to - length;
    for (const c of charts.values()) c.slide(from, to);
  });
}
if (length) setInterval(slide, 1000);

// The hub's own envelope, words and table take the place of what was added
// here, as often as a pixel column passes, within reason.
async function renew() {
  if (document.hidden || live.state !== 'live') return;
  await load();
  await fresh();
  ages(document, live.now());
}
if (length) setInterval(renew, Math.min(Math.max(length / 900, 5_000), 30_000));
// What was taken while the connection was away is in the hub's history.
live.addEventListener('hello', renew);

for (const button of document.querySelectorAll('button.astable')) {
  button.addEventListener('click', () => {
    const shown = document.getElementById(button.getAttribute('aria-controls')).classList.toggle('shown');
    button.setAttribute('aria-expanded', String(shown));
    button.textContent = shown ? t('Hide the table') : t('Show as table');
  });
}

// Text, not the browser's own picker: that one would show 12 hours in one
// country and 24 in another.
const field = (id) => {
  const m = /^(\d{4})-(\d\d)-(\d\d)[ T](\d\d):(\d\d)(?::(\d\d))?$/.exec(document.getElementById(id).value.trim());
  return m ? Date.UTC(m[1], m[2] - 1, m[3], m[4], m[5], m[6] ?? 0) : NaN;
};

function choose() {
  const ends = { from: field('from'), to: field('to') };
  for (const [id, ms] of Object.entries(ends)) {
    const input = document.getElementById(id);
    if (Number.isNaN(ms)) input.setCustomValidity(t('Write a time in UTC like 2026-09-14 06:00:00'));
    else if (id === 'to' && ms <= ends.from) input.setCustomValidity(t('“to” must be later than “from”'));
    else continue;
    input.reportValidity();
    return;
  }
  zoom(ends.from, ends.to);
}
document.getElementById('show').addEventListener('click', choose);
for (const id of ['from', 'to']) {
  const input = document.getElementById(id);
  input.addEventListener('input', () => input.setCustomValidity(''));
  input.addEventListener('keydown', (e) => { if (e.key === 'Enter') choose(); });
}

frame(live);
load();
