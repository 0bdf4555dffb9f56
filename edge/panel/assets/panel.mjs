// Keeps the page live: once a second the server sends the HTML that it would
// render for a first visit, and what changed is put in place. Without this
// module the page reloads itself.

const quietMs = 5000; // no news for so long means that what is shown is old
const retryMs = 5000;
const now = document.getElementById("now");
const stale = document.getElementById("stale");
let source;
let heard = performance.now();
let at = new Date();

// morph makes old like next and keeps what is equal, so that focus, selection
// and what a screen reader has announced stay.
function morph(old, next) {
  if (old.isEqualNode(next)) return;
  if (old.nodeName !== next.nodeName || old.id !== next.id) {
    old.replaceWith(next.cloneNode(true));
    return;
  }
  if (old.nodeType === Node.TEXT_NODE) {
    old.data = next.data;
    return;
  }
  for (const a of next.attributes) old.setAttribute(a.name, a.value);
  for (const a of [...old.attributes]) if (!next.hasAttribute(a.name)) old.removeAttribute(a.name);
  children(old, next);
}

function children(old, next) {
  [...next.childNodes].forEach((n, i) => (i < old.childNodes.length ? morph(old.childNodes[i], n) : old.append(n.cloneNode(true))));
  while (old.childNodes.length > next.childNodes.length) old.lastChild.remove();
}

function show(html) {
  children(now, new DOMParser().parseFromString(`<div>${html}</div>`, "text/html").body.firstChild);
}

function mark(old) {
  document.documentElement.classList.toggle("stale", old);
  stale.hidden = !old;
  if (old) stale.querySelector("b").textContent = at.toISOString().slice(11, 19) + " by this screen's clock";
}

function listen() {
  source = new EventSource("live");
  source.onmessage = (event) => {
    heard = performance.now();
    at = new Date();
    mark(false);
    show(event.data);
  };
}

listen();
setInterval(() => {
  if (performance.now() - heard > quietMs) mark(true);
}, 1000);
setInterval(() => {
  // It reconnects by itself, except after a refusal.
  if (source.readyState === EventSource.CLOSED) listen();
}, retryMs);
