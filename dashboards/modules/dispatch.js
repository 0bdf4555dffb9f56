// The dispatcher's board, renewed as the list changes. Words, classes and orders
// are the server's.

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
  const route = new URLSearchParams(location.search).get('route');
  if (!await fresh(location.pathname + (route ? `?route=${encodeURIComponent(route)}` : ''))) return;
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
