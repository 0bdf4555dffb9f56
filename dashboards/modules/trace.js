// Traceability: clocks and lists are renewed while they are looked at. What
// somebody types stands outside of them and stays.

import { frame } from './frame.js';
import { fresh } from './fresh.js';
import { Live } from './live.js';

const live = new Live({ gateway: '-' }); // heartbeats alone
frame(live);

async function renew() {
  if (document.hidden || live.state !== 'live') return;
  await fresh();
}
setInterval(renew, 20_000);
live.addEventListener('state', renew);
