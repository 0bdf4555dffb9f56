// Fetches the page anew and puts its parts marked data-fresh in place of the
// old ones. The server stays the only one that words and tables are made by.

let running;

/**
 * Renews the parts; gives the fetched document, or null if it cannot be had.
 * before is called when it is there, just before the parts are put in place.
 */
export async function fresh(url = location.href, before = () => {}) {
  if (running) return running;
  running = (async () => {
    try {
      const answer = await fetch(url, { headers: { accept: 'text/html' }, signal: AbortSignal.timeout(15_000) });
      if (!answer.ok) return null;
      const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
      before();
      for (const old of document.querySelectorAll('[data-fresh]')) {
        const now = old.id && page.getElementById(old.id);
        if (now && now.innerHTML !== old.innerHTML) old.replaceChildren(...now.childNodes);
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
