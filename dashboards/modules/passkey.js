// Signing in with a passkey, and adding one. The hub gives the options and
// checks the answer; a page only carries them to the browser and back.

import { t } from './words.js';

const box = document.querySelector('[data-passkey]');
const button = document.getElementById('passkey');
const said = box?.querySelector('.said');

function tell(text) {
  said.textContent = text;
  said.hidden = !text;
}

async function post(path, body) {
  const r = await fetch(path, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
  const answer = await r.json().catch(() => ({ problem: `the hub answers ${r.status}` }));
  if (!r.ok) throw new Error(answer.problem);
  return answer;
}

async function ceremony() {
  const adding = box.dataset.passkey === 'add';
  const path = adding ? '/me/passkeys' : '/signin/passkey';
  const { held, options } = await post(`${path}/begin`, {});
  const made = adding
    ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) })
    : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
  const name = document.getElementById('passkey-name')?.value ?? '';
  const { next } = await post(`${path}/finish`, { held, name, next: box.dataset.next ?? '', answer: made.toJSON() });
  location.assign(next);
}

if (box && !globalThis.PublicKeyCredential?.parseCreationOptionsFromJSON) {
  button.disabled = true;
  tell(t('This browser has no passkeys.'));
}

button?.addEventListener('click', async () => {
  button.disabled = true;
  tell('');
  try {
    await ceremony();
  } catch (e) {
    tell(e.name === 'NotAllowedError' ? t('No passkey was given.') : e.name === 'InvalidStateError' ? t('This device has a passkey of yours already.') : e.message);
    button.disabled = false;
  }
});

document.documentElement.dataset.ready = '';
