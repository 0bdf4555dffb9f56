// The account, renewed while it is looked at.

import { ages, frame } from './frame.js';
import { fresh } from './fresh.js';
import { Live } from './live.js';

const live = new Live({ gateway: '-' }); // heartbeats alone
frame(live);

async function renew() {
  if (document.hidden || live.state !== 'live') return;
  await fresh();
  ages(document, live.now());
}
// Of what is dear to make, a page says how often.
setInterval(renew, Number(document.querySelector('[data-every]')?.dataset.every ?? 3000));
live.addEventListener('state', renew);
