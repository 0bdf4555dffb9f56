// The dispatcher's board, renewed as the list changes. Words, classes and orders
// are the server's; what was opened and where the focus was is kept.

import { ages, frame } from './frame.js';
import { fresh } from './fresh.js';
import { Live } from './live.js';

const live = new Live({ board: 'dispatch' });
frame(live);

const apart = 2000; // ms between two renewals, at least
let renewed = 0;
let due;

async function renew() {
  due = undefined;
  if (document.hidden || live.state !== 'live') return;
  renewed = Date.now();
  let open = [];
  let focus;
  let at;
  const page = await fresh(location.pathname, () => { // what was opened while it was fetched, too
    open = [...document.querySelectorAll('#runs details[open]')].map((d) => d.id);
    focus = document.activeElement?.closest?.('details[id]')?.id;
    at = document.activeElement?.id;
  });
  if (!page) return;
  for (const id of open) document.getElementById(id)?.setAttribute('open', '');
  if (focus && document.activeElement === document.body) {
    (document.getElementById(at || '') ?? document.getElementById(focus)?.querySelector('summary'))?.focus({ preventScroll: true });
  }
  ages(document, live.now());
}

/** Renews soon, and not more often than an eye follows. */
function soon() {
  due ??= setTimeout(renew, Math.max(0, renewed + apart - Date.now()));
}

live.addEventListener('dispatch', soon);
live.addEventListener('hello', soon);
setInterval(soon, 15_000); // times to limits go on by themselves

// A link to a route opens it.
function show() {
  const run = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (run instanceof HTMLDetailsElement) {
    run.open = true;
    run.scrollIntoView({ block: 'start' });
  }
}
addEventListener('hashchange', show);
show();
