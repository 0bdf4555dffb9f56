// One chart: a band from the lowest to the highest value of each pixel column
// and the mean as a line, as the hub computed them. Stretches without readings
// are hatched and never bridged; readings that may not be used stand as amber
// marks at the foot.

import { date, moment, number, span, t, timeOfDay } from './words.js';

/* global uPlot */

const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function ticks(u, splits, axis, space, incr) {
  let day;
  return splits.map((s) => {
    const ms = s * 1000;
    const d = date(ms);
    let text = incr >= 86400 ? d.slice(0, -5) : timeOfDay(ms).slice(0, incr >= 60 ? 5 : 8);
    if (incr < 86400 && d !== day) text += `\n${d.slice(0, -5)}`;
    day = d;
    return text;
  });
}

export class Chart {
  #el; #plot; #data; #readout; #zoom; #scale; #decimals; #steps; #unit; #holeAfter; #recent = [];

  constructor(el, zoom) {
    this.#el = el;
    this.#zoom = zoom;
    this.#decimals = Number(el.dataset.decimals);
    this.#scale = 10 ** this.#decimals;
    this.#steps = el.dataset.steps === 'true';
    this.#unit = el.dataset.unit;
    this.#holeAfter = Number(el.dataset.holeAfter);
    this.#readout = document.getElementById(`readout-${el.dataset.chart}`);
    new ResizeObserver(() => this.#resize()).observe(el);
    for (const query of ['(prefers-color-scheme: dark)', 'print']) {
      matchMedia(query).addEventListener('change', () => this.#rebuild());
    }
  }

  get buckets() { return Math.max(60, Math.floor(this.#el.clientWidth - 60)); }
  get quantity() { return this.#el.dataset.chart; }

  /** Fetches and draws from..to, Unix ms. */
  async load(from, to) {
    const q = new URLSearchParams({ from, to, buckets: this.buckets });
    const answer = await fetch(`${this.#el.dataset.source}&${q}`, { signal: AbortSignal.timeout(15_000) });
    if (!answer.ok) throw new Error(`the hub answered ${answer.status}`);
    this.#data = await answer.json();
    // What came while this was on its way is newer than it.
    for (const [ms, value] of this.#recent) this.#add(ms, value);
    this.#draw();
  }

  /** Adds a usable live value at the right edge until the next load. */
  append(ms, value) {
    this.#recent.push([ms, value]);
    if (this.#recent.length > 600) this.#recent.shift();
    this.#add(ms, value);
  }

  #add(ms, value) {
    const d = this.#data;
    if (!d || ms < d.from || ms <= (d.last ?? 0)) return;
    if (d.last && ms - d.last >= Math.max(this.#holeAfter, 400)) d.points.push([(d.last + ms) / 2, null, null, null]);
    d.points.push([ms, value, value, value]);
    // An open hole ends where a reading has come.
    const hole = d.holes.at(-1);
    if (hole?.[2] && ms >= hole[0]) { hole[1] = Math.min(hole[1], ms); hole[2] = false; }
    d.last = ms;
  }

  /** Moves the shown span without asking the hub. */
  slide(from, to) {
    if (!this.#data) return;
    this.#data.from = from;
    this.#data.to = to;
    const hole = this.#data.holes.at(-1);
    if (hole?.[2]) hole[1] = to; // nothing has come since
    this.#draw();
  }

  #columns() {
    const s = this.#scale;
    const cols = [[], [], [], []];
    for (const [time, lo, mean, hi] of this.#data.points) {
      cols[0].push(time / 1000);
      cols[1].push(lo === null ? null : lo / s);
      // A door that was open for a moment of a column was open.
      const line = this.#steps ? hi : mean;
      cols[2].push(line === null ? null : line / s);
      cols[3].push(hi === null ? null : hi / s);
    }
    return cols;
  }

  #draw() {
    if (!this.#plot) return this.#rebuild();
    this.#plot.batch(() => {
      this.#plot.setData(this.#columns(), false);
      this.#plot.setScale('x', { min: this.#data.from / 1000, max: this.#data.to / 1000 });
    });
    this.#marks();
  }

  #rebuild() {
    if (!this.#data) return;
    this.#plot?.destroy();
    this.#el.querySelectorAll('.uplot').forEach((n) => n.remove());
    this.#plot = new uPlot(this.#options(), this.#columns(), this.#el);
    this.#plot.setScale('x', { min: this.#data.from / 1000, max: this.#data.to / 1000 });
    this.#marks();
    this.#el.dataset.drawn = '';
  }

  #size() {
    const width = Math.floor(this.#el.clientWidth);
    return { width, height: Math.round(Math.min(Math.max(240, width * 0.36), 420)) };
  }

  #resize() {
    if (!this.#plot) return;
    const { width, height } = this.#size();
    if (width !== this.#plot.width) { this.#plot.setSize({ width, height }); this.#marks(); }
  }

  #options() {
    const ink = css('--muted'), rule = css('--rule'), teal = css('--teal');
    const font = `${Math.round(parseFloat(getComputedStyle(document.documentElement).fontSize) * 0.78)}px system-ui, sans-serif`;
    const axis = { stroke: ink, font, grid: { stroke: rule, width: 1 }, ticks: { stroke: rule, size: 5 } };
    const paths = this.#steps ? uPlot.paths.stepped({ align: 1 }) : uPlot.paths.linear();
    const alone = (u, i, show, gaps) => {
      // A value between two breaks has no line: it is drawn as a point.
      const y = u.data[i], out = [];
      for (let k = 0; k < y.length; k++) {
        if (y[k] != null && y[k - 1] == null && y[k + 1] == null) out.push(k);
      }
      return out.length ? out : null;
    };
    const edge = { stroke: 'transparent', width: 0, points: { show: false }, paths };
    return {
      ...this.#size(),
      tzDate: (s) => uPlot.tzDate(new Date(s * 1000), 'Etc/UTC'),
      legend: { show: false },
      padding: [10, 22, 0, 0],
      cursor: { drag: { x: true, y: false, setScale: false }, y: false, points: { size: 7, fill: teal } },
      scales: {
        x: { time: true, range: () => [this.#data.from / 1000, this.#data.to / 1000] },
        y: { range: (u, lo, hi) => this.#range(lo, hi) },
      },
      series: [
        {},
        { ...edge },
        { stroke: teal, width: 1.75, paths, points: { show: () => false, filter: alone, size: 5, fill: teal, stroke: teal } },
        { ...edge },
      ],
      bands: [{ series: [3, 1], fill: `${css('--teal')}2e` }],
      axes: [
        { ...axis, values: ticks, space: 64, size: 46 },
        {
          ...axis, size: (u, values) => 16 + 7.4 * Math.max(2, ...(values ?? []).map((v) => String(v).length)),
          values: (u, vs) => this.#labels(vs), incrs: this.#incrs(),
        },
      ],
      hooks: {
        setSelect: [(u) => {
          const { left, width } = u.select;
          if (width < 4) return;
          this.#zoom(Math.round(u.posToVal(left, 'x') * 1000), Math.round(u.posToVal(left + width, 'x') * 1000));
        }],
        setCursor: [(u) => this.#point(u)],
      },
    };
  }

  #range(lo, hi) {
    if (this.#steps) return [-0.2, 1.2];
    if (lo == null || hi == null) return [0, 1];
    // Noise must not look like an event: at least one unit high.
    const pad = Math.max(1 - (hi - lo), (hi - lo) * 0.16) / 2;
    return [lo - pad, hi + pad];
  }

  // Distances of the ticks: none finer than a value can be.
  #incrs() {
    if (this.#steps) return [1];
    const out = [];
    for (let e = -this.#decimals; e < 9; e++) out.push(...[1, 2, 5].map((n) => Number(`${n}e${e}`)));
    return out;
  }

  #labels(vs) {
    if (this.#steps) {
      const words = JSON.parse(this.#el.dataset.words ?? '["0","1"]');
      return vs.map((v) => words[v] ?? '');
    }
    const step = vs.length > 1 ? Math.abs(vs[1] - vs[0]) : 1;
    let decimals = 0;
    while (decimals < this.#decimals && Math.abs(step * 10 ** decimals - Math.round(step * 10 ** decimals)) > 1e-6) decimals++;
    return vs.map((v) => (v == null ? '' : number(v, decimals)));
  }

  #point(u) {
    const i = u.cursor.idx;
    if (!this.#readout || i == null || u.cursor.left < 0) return;
    const at = u.posToVal(u.cursor.left, 'x') * 1000;
    const hole = this.#data.holes.find(([a, b]) => at >= a && at <= b);
    const [time, lo, mean, hi] = [0, 1, 2, 3].map((k) => u.data[k][i]);
    let text;
    if (hole) text = `${moment(at)} UTC: ${t('no readings from {from} to {to}', { from: timeOfDay(hole[0]), to: hole[2] ? t('now') : timeOfDay(hole[1]) })} (${span(hole[1] - hole[0])})`;
    else if (mean == null) return;
    else {
      const d = Math.min(this.#decimals, 3);
      text = `${moment(time * 1000)} UTC: ${this.#steps ? this.#labels([mean])[0] : `${number(mean, d)} ${this.#unit}`}`;
      if (lo !== hi) text += this.#steps ? ` ${t('for part of it')}` : ` (${t('lowest {low}, highest {high}', { low: number(lo, d), high: number(hi, d) })})`;
    }
    if (this.#readout.textContent !== text) this.#readout.textContent = text;
  }

  // Hatching and marks are elements over the canvas: they can be read, tested
  // and printed.
  #marks() {
    const over = this.#plot.over, { from, to, holes, bad } = this.#data;
    over.querySelectorAll('.hole, .bad').forEach((n) => n.remove());
    // In shares of the width, which uPlot may not have laid out yet.
    const x = (ms) => (Math.min(Math.max(ms, from), to) - from) / (to - from);
    const place = (kind, a, b, title) => {
      if (b < from || a > to) return null;
      const el = document.createElement('div');
      el.className = kind;
      el.title = title;
      el.style.left = `${x(a) * 100}%`;
      el.style.width = `${(x(b) - x(a)) * 100}%`;
      over.prepend(el);
      return el;
    };
    const width = this.#el.clientWidth;
    for (const [a, b, open] of holes) {
      const el = place('hole', a, b, `${t('no readings from {from} to {to}', { from: moment(a), to: open ? t('now') : moment(b) })} UTC`);
      if (!el) continue;
      const w = (x(b) - x(a)) * width;
      if (w < 6) el.classList.add('narrow');
      if (w > 110) {
        const word = document.createElement('span');
        word.textContent = t('no readings, {span}', { span: span(b - a) });
        el.append(word);
      }
    }
    for (const [a, b, why, n] of bad) {
      place('bad', a, b, `${t('{n} not usable', { n })}: ${why}, ${t('{from} to {to}', { from: moment(a), to: moment(b) })} UTC`);
    }
  }
}
