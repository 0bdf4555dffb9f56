// All gateways and their sensors, live.

import { ages, frame, tally, value } from './frame.js';
import { Live } from './live.js';

const live = new Live();
const fleet = document.getElementById('fleet');
const version = document.body.dataset.version;
let layout = fleet.dataset.layout;

live.addEventListener('hello', ({ detail }) => {
  document.getElementById('stale').hidden = detail.version === version;
  relayout(detail.layout);
});
live.addEventListener('layout', ({ detail }) => relayout(detail.layout));

live.addEventListener('values', ({ detail }) => {
  const now = live.now();
  for (const v of detail.values) value(v, now);
  tally();
});

live.addEventListener('gateway', ({ detail }) => {
  const header = document.querySelector(`[data-gateway="${CSS.escape(detail.gateway)}"]`);
  if (!header) return;
  header.innerHTML = detail.html; // made by the hub's own template, escaped there
  ages(header, live.now());
});

async function page() {
  const answer = await fetch('/', { signal: AbortSignal.timeout(15_000) });
  if (!answer.ok) throw new Error(`the hub answered ${answer.status}`);
  return new DOMParser().parseFromString(await answer.text(), 'text/html');
}

// Gateways or sensors came or went: take the server's new page, keeping what
// was opened and where the focus was.
let laying;
async function relayout(next) {
  if (!next || next === layout || laying) return; // a hub that has just begun says "" until it knows
  laying = true;
  try {
    const doc = await page();
    const open = new Set([...fleet.querySelectorAll('.gateway:has(details[open])')].map((g) => g.id));
    const focus = document.activeElement?.closest?.('[id]')?.id;
    fleet.replaceChildren(...doc.getElementById('fleet').childNodes);
    layout = doc.getElementById('fleet').dataset.layout;
    const counts = doc.getElementById('tally');
    const had = document.getElementById('tally');
    if (counts && !had) document.querySelector('.lead').append(counts);
    for (const id of open) fleet.querySelector(`#${CSS.escape(id)} details`)?.setAttribute('open', '');
    if (focus) document.getElementById(focus)?.querySelector('a')?.focus({ preventScroll: true });
    ages(fleet, live.now());
    tally();
    // What came while the page was fetched went to what it has replaced.
    live.resume(doc.body.dataset.cursor);
  } catch {
    // the next layout or hello asks again
  } finally {
    laying = false;
  }
}

// The small charts of the last half hour move a pixel in 15 s. What is wrong with
// the hub itself comes and goes with them.
async function sketches() {
  if (document.hidden || live.state !== 'live') return;
  try {
    const doc = await page();
    for (const old of document.querySelectorAll('figure[data-sketch]')) {
      const now = doc.querySelector(`figure[data-sketch="${CSS.escape(old.dataset.sketch)}"]`);
      if (now) old.replaceWith(now);
    }
    const wrong = document.getElementById('troubles');
    const now = doc.getElementById('troubles');
    if (wrong.textContent.trim() !== now.textContent.trim()) wrong.replaceChildren(...now.childNodes);
  } catch {
    // the link's status already says that the hub is away
  }
}
setInterval(sketches, 15_000);

frame(live);
