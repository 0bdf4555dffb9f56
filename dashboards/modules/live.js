// The stream of what changes, with resume and reconnect. The browser's own
// reconnect gives up on an HTTP error and cannot wait longer each time, so it
// is done here: a dropped stream is opened again from the last event's number.

const quiet = 15_000; // three of the server's heartbeats
const hiddenFor = 10_000; // a page nobody sees gives its connection back

export class Live extends EventTarget {
  #query; #cursor; #source; #timer; #watch; #hide; #attempt = 0;
  #offset = Number(document.body.dataset.now) - Date.now();
  #sure = false;

  /** When the last event came, by the server's clock. */
  asOf = Number(document.body.dataset.now);
  /** connecting, live, lost or ended. */
  state = 'connecting';

  constructor(query = {}) {
    super();
    this.#query = query;
    this.#cursor = document.body.dataset.cursor;
    document.addEventListener('visibilitychange', () => this.#visibility());
    addEventListener('pagehide', () => this.#close());
    addEventListener('pageshow', (e) => { if (e.persisted) this.#open(); });
    addEventListener('online', () => { this.#attempt = 0; this.#open(); });
    this.#open();
  }

  /** The server's time now, Unix ms. */
  now() { return Date.now() + this.#offset; }

  /** Goes on after another event, such as the one a fetched page was made at. */
  resume(cursor) {
    this.#cursor = cursor;
    if (this.#source) this.#open();
  }

  #open() {
    this.#close();
    const q = new URLSearchParams({ ...this.#query, after: this.#cursor });
    const source = new EventSource(`/live?${q}`);
    this.#source = source;
    for (const name of ['hello', 'values', 'gateway', 'layout', 'dispatch', 'beat']) {
      source.addEventListener(name, (e) => this.#take(name, e));
    }
    source.addEventListener('bye', () => this.#lost());
    source.onerror = () => this.#lost();
    this.#heard();
  }

  #close() {
    clearTimeout(this.#timer);
    clearTimeout(this.#watch);
    this.#source?.close();
    this.#source = undefined;
  }

  #take(name, e) {
    const data = JSON.parse(e.data);
    if (e.lastEventId) this.#cursor = e.lastEventId;
    // Events come late, never early: the largest difference is the truest.
    const offset = data.now - Date.now();
    if (!this.#sure || offset > this.#offset || name === 'hello') this.#offset = offset;
    this.#sure = true;
    this.asOf = data.now;
    this.#heard();
    this.#attempt = 0;
    this.#be('live');
    this.dispatchEvent(new CustomEvent(name, { detail: data }));
  }

  #heard() {
    clearTimeout(this.#watch);
    this.#watch = setTimeout(() => this.#lost(), quiet);
  }

  #lost() {
    this.#close();
    this.#be('lost');
    // Full jitter, so that a hub that comes back is not met by all at once.
    const ceiling = Math.min(10_000, 500 * 2 ** this.#attempt++);
    this.#timer = setTimeout(() => this.#open(), 250 + Math.random() * ceiling);
  }

  #be(state) {
    if (this.state === state) return;
    this.state = state;
    this.dispatchEvent(new CustomEvent('state'));
  }

  #visibility() {
    clearTimeout(this.#hide);
    if (!document.hidden) {
      if (!this.#source) { this.#attempt = 0; this.#open(); }
    } else {
      this.#hide = setTimeout(() => { this.#close(); this.#be('lost'); }, hiddenFor);
    }
  }
}
