// Keeps a page live: once a second the server sends the parts that have changed,
// as the HTML of a first visit, and they are put in place. Without this module
// the page reloads itself.

const quietMs = 5000; // no news for so long means that what is shown is old
const retryMs = 5000;
const stale = document.getElementById("stale");
const face = document.body.dataset.face;
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
  for (const a of next.attributes) if (old.getAttribute(a.name) !== a.value) old.setAttribute(a.name, a.value);
  for (const a of [...old.attributes]) if (!next.hasAttribute(a.name)) old.removeAttribute(a.name);
  [...next.childNodes].forEach((n, i) => (i < old.childNodes.length ? morph(old.childNodes[i], n) : old.append(n.cloneNode(true))));
  while (old.childNodes.length > next.childNodes.length) old.lastChild.remove();
}

function parse(html) {
  const t = document.createElement("template");
  t.innerHTML = html;
  return t.content.firstElementChild;
}

// show puts what changed in place: first the parts, then who stands where.
function show({ title, class: size, state, order, parts }) {
  if (title) document.title = title;
  if (state) document.body.className = document.body.className.replace(/^(face \S+|\S+).*$/, `$1 ${size ?? ""}`).trim();
  const fresh = new Map();
  for (const [id, html] of Object.entries(parts ?? {})) {
    const next = parse(html);
    const old = document.getElementById(id);
    if (old) morph(old, next);
    else fresh.set(id, next);
  }
  for (const [container, ids] of Object.entries(order ?? {})) {
    const box = document.getElementById(container);
    ids.forEach((id, i) => {
      const here = document.getElementById(id) ?? fresh.get(id);
      if (here && box.children[i] !== here) box.insertBefore(here, box.children[i] ?? null);
    });
    while (box.children.length > ids.length) box.lastElementChild.remove();
  }
}

function mark(old) {
  document.documentElement.classList.toggle("stale", old);
  stale.hidden = !old;
  if (old) stale.querySelector("b").textContent = at.toTimeString().slice(0, 8);
}

function listen() {
  source = new EventSource(`/live/${face}`);
  source.onmessage = (event) => {
    heard = performance.now();
    at = new Date();
    mark(false);
    show(JSON.parse(event.data));
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
