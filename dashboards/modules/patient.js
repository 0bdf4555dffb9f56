// A patient's page follows its delivery by server-sent events: parts of the page
// come as the server renders them, so that there is no rule here. A page that
// has lost the hub says as of when it is.

const body = document.body;
const link = document.getElementById('link');
const quiet = 15_000; // three of the server's heartbeats
const hiddenFor = 10_000; // a page nobody sees gives its connection back
let cursor = body.dataset.cursor;
let clock = body.dataset.clock;
let offset = Number(body.dataset.now) - Date.now();
let source, watch, again, hide;
let attempt = 0;

function be(state) {
  if (link.dataset.state === state) return;
  link.dataset.state = state;
  link.querySelector('.word').textContent = body.dataset[state].replace('{time}', clock);
  body.toggleAttribute('data-stale', state === 'lost');
}

function close() {
  clearTimeout(watch);
  clearTimeout(again);
  source?.close();
  source = undefined;
}

function lost() {
  close();
  be('lost');
  // Full jitter, so that a hub that comes back is not met by all at once.
  again = setTimeout(open, 500 + Math.random() * Math.min(15_000, 1000 * 2 ** attempt++));
}

function heard(e) {
  const news = JSON.parse(e.data);
  if (e.lastEventId) cursor = e.lastEventId;
  clock = news.clock;
  offset = news.now - Date.now();
  attempt = 0;
  clearTimeout(watch);
  watch = setTimeout(lost, quiet);
  be('live');
  return news;
}

function open() {
  close();
  if (document.hidden) return;
  const q = new URLSearchParams({ after: cursor, lang: document.documentElement.lang });
  source = new EventSource(`${location.pathname}/live?${q}`);
  source.addEventListener('parts', (e) => {
    for (const [name, html] of Object.entries(heard(e).parts)) {
      const part = document.querySelector(`[data-part="${name}"]`);
      part.innerHTML = html;
      const card = document.querySelector(`[data-if="${name}"]`);
      if (card) card.hidden = html === '';
    }
    age();
  });
  source.addEventListener('beat', heard);
  source.addEventListener('over', () => { close(); location.reload(); });
  source.onerror = lost;
  watch = setTimeout(lost, quiet);
}

// age says how old the temperature is.
function age() {
  const at = document.querySelector('[data-taken]');
  if (!at) return;
  const s = Math.max(0, Math.round((Date.now() + offset - Number(at.dataset.taken)) / 1000));
  const text = s < 60 ? body.dataset.s.replace('{n}', s) : body.dataset.min.replace('{n}', Math.floor(s / 60));
  if (at.textContent !== text) at.textContent = text;
}

document.addEventListener('visibilitychange', () => {
  clearTimeout(hide);
  if (document.hidden) hide = setTimeout(() => { close(); be('lost'); }, hiddenFor);
  else if (!source) { attempt = 0; open(); }
});
addEventListener('online', () => { attempt = 0; open(); });
addEventListener('pagehide', close);
addEventListener('pageshow', (e) => { if (e.persisted) location.reload(); });
if (link) {
  open();
  age();
  setInterval(age, 1000);
  document.documentElement.dataset.ready = '';
}
