// Fetches the page anew and puts its parts marked data-fresh in place of the
// old ones. The server stays the only one that words and tables are made by;
// what a reader has typed, opened or gone to stays as it was.

import { keep } from './keep.js';

let running;
let pressed; // settles when the button that is down is let go

// A click whose target is replaced between press and release would be lost.
addEventListener('pointerdown', () => {
  pressed = new Promise((resolve) => {
    for (const end of ['pointerup', 'pointercancel', 'blur']) addEventListener(end, () => setTimeout(resolve), { once: true });
  });
}, true);

/**
 * Renews the parts; gives the fetched document, or null if it cannot be had.
 */
export async function fresh(url = location.href) {
  if (running) return running;
  running = (async () => {
    try {
      const answer = await fetch(url, { headers: { accept: 'text/html' }, signal: AbortSignal.timeout(15_000) });
      if (!answer.ok) return null;
      const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
      await pressed;
      for (const old of document.querySelectorAll('[data-fresh]')) {
        const now = old.id && page.getElementById(old.id);
        if (!now || now.innerHTML === old.innerHTML) continue;
        const back = keep(old);
        old.replaceChildren(...now.childNodes);
        back();
      }
      return page;
    } catch {
      return null; // the link's status already says that the hub is away
    } finally {
      running = undefined;
    }
  })();
  return running;
}
