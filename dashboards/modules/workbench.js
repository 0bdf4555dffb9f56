// The workbench: one brush for chart, figures, lanes and map. What is shown is in
// the address, and every number of it is the hub's. What people type stays while
// the story is renewed.

import { ages, frame } from './frame.js';
import { fresh } from './fresh.js';
import { Live } from './live.js';

const live = new Live({ gateway: '-' }); // heartbeats alone
frame(live);

const svgns = 'http://www.w3.org/2000/svg';
const least = 6; // pixels that are a drag and no click
const utc = (ms) => new Date(ms).toISOString().slice(0, 19);

/** Shows what an address asks for, in place. */
async function show(address) {
  document.documentElement.dataset.brush = 'asking';
  const page = await fresh(address);
  if (!page) { location.assign(address); return; }
  const now = document.getElementById('seen')?.dataset;
  const then = page.getElementById('seen')?.dataset;
  if (now && then) Object.assign(now, { begin: then.begin, end: then.end, from: then.from, to: then.to });
  for (const name of ['from', 'to']) {
    const field = document.querySelector(`.brush [name="${name}"]`);
    const span = document.querySelector(`#assess [name="${name}"]`);
    if (field && then) field.value = then[name];
    if (span && then) span.value = then[name];
  }
  for (const id of ['around', 'whole']) {
    const link = page.getElementById(id);
    if (link) document.getElementById(id).href = link.getAttribute('href');
  }
  document.documentElement.dataset.brush = 'shown';
}

function go(from, to) {
  const q = new URLSearchParams(location.search);
  q.delete('done');
  q.set('from', `${utc(from)}Z`);
  q.set('to', `${utc(to)}Z`);
  const address = `${place()}?${q}`;
  history.pushState(null, '', address);
  show(address);
}

/** The page's own path, also where a form has led to one of its parts. */
function place() {
  return document.querySelector('form.brush')?.getAttribute('action').split('#')[0] ?? location.pathname;
}

addEventListener('popstate', () => show(location.href));

// The brush.

let drag;

function at(svg, x) {
  const box = svg.getBoundingClientRect();
  const wide = svg.viewBox.baseVal.width;
  const left = Number(svg.dataset.left);
  const u = Math.min(Math.max((x - box.left) / box.width * wide, left), wide);
  const from = Number(svg.dataset.from), to = Number(svg.dataset.to);
  return { u, ms: from + (to - from) * (u - left) / (wide - left) };
}

document.addEventListener('pointerdown', (e) => {
  const svg = e.target.closest?.('#brushed svg[data-from]');
  if (!svg || e.button !== 0) return;
  const rect = document.createElementNS(svgns, 'rect');
  rect.setAttribute('class', 'brush');
  rect.setAttribute('y', '0');
  rect.setAttribute('height', String(svg.viewBox.baseVal.height));
  drag = { svg, rect, x: e.clientX, begin: at(svg, e.clientX), end: undefined };
});

document.addEventListener('pointermove', (e) => {
  if (!drag) return;
  if (Math.abs(e.clientX - drag.x) < least && !drag.end) return;
  if (!drag.end) drag.svg.append(drag.rect);
  drag.end = at(drag.svg, e.clientX);
  drag.rect.setAttribute('x', String(Math.min(drag.begin.u, drag.end.u)));
  drag.rect.setAttribute('width', String(Math.abs(drag.end.u - drag.begin.u)));
});

function drop() {
  drag?.rect.remove();
  drag = undefined;
}

document.addEventListener('pointerup', () => {
  const done = drag;
  drop();
  if (!done?.end) return;
  const from = Math.floor(Math.min(done.begin.ms, done.end.ms) / 1000) * 1000;
  const to = Math.ceil(Math.max(done.begin.ms, done.end.ms) / 1000) * 1000;
  if (to > from) go(from, to);
});
document.addEventListener('pointercancel', drop);
document.addEventListener('keydown', (e) => { if (e.key === 'Escape') drop(); });

// Links to other ranges show them in place.
document.addEventListener('click', (e) => {
  const link = e.target.closest?.('#around, #whole');
  if (!link || e.button !== 0 || e.ctrlKey || e.metaKey || e.shiftKey) return;
  e.preventDefault();
  const address = link.getAttribute('href').split('#')[0];
  history.pushState(null, '', address);
  show(address);
});

// Renewed while it is looked at. Forms are not: they keep what is typed, and say
// that they have become old.

const formed = document.getElementById('story')?.dataset.version;

async function renew() {
  if (document.hidden || live.state !== 'live' || drag) return;
  const page = await fresh(location.href.split('#')[0]);
  const version = page?.getElementById('story')?.dataset.version;
  if (formed && version && version !== formed) document.getElementById('moved').hidden = false;
  ages(document, live.now());
}
// What a step has come to is not asked for again by renewing.
if (new URLSearchParams(location.search).has('done')) {
  const q = new URLSearchParams(location.search);
  q.delete('done');
  history.replaceState(null, '', location.pathname + (q.size ? `?${q}` : '') + location.hash);
}
if (location.pathname === place()) {
  setInterval(renew, 20_000);
  document.addEventListener('visibilitychange', renew);
}

// Signing by a passkey: it is asked for this content, and is good once.

const sign = document.getElementById('sign');

async function post(path, body) {
  const r = await fetch(path, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
  const answer = await r.json().catch(() => ({ problem: `the hub answers ${r.status}` }));
  if (!r.ok) throw new Error(answer.problem);
  return answer;
}

document.getElementById('sign-passkey')?.addEventListener('click', async (e) => {
  const button = e.currentTarget;
  const said = sign.querySelector('.said');
  button.disabled = true;
  said.hidden = true;
  try {
    const { held, options } = await post('/me/sign/begin', { content: sign.dataset.content });
    const given = await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
    sign.querySelector('[name=passkey]').value = JSON.stringify({ held, answer: JSON.stringify(given.toJSON()) });
    sign.submit();
  } catch (err) {
    said.textContent = err.name === 'NotAllowedError' ? 'No passkey was given.' : err.message;
    said.hidden = false;
    button.disabled = false;
  }
});

document.documentElement.dataset.ready = '';
