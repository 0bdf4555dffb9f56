// The words for times and numbers, the same as package view of the hub makes
// them; a test compares the two. All times are UTC.

import { spanish } from './spanish.js';

const inSpanish = document.documentElement.lang === 'es';

/** A text in the language of the page, with {name} replaced by values. */
export const t = (text, values = {}) => {
  let out = (inSpanish && spanish[text]) || text;
  for (const [name, value] of Object.entries(values)) out = out.replaceAll(`{${name}}`, value);
  return out;
};

const pad = (n) => String(n).padStart(2, '0');
const months = inSpanish ? ['ene', 'feb', 'mar', 'abr', 'may', 'jun', 'jul', 'ago', 'sep', 'oct', 'nov', 'dic']
  : ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** "14:05:03" of Unix ms. */
export function timeOfDay(ms) {
  const d = new Date(ms);
  return `${pad(d.getUTCHours())}:${pad(d.getUTCMinutes())}:${pad(d.getUTCSeconds())}`;
}

/** "14 Sep 2026". */
export function date(ms) {
  const d = new Date(ms);
  return `${d.getUTCDate()} ${months[d.getUTCMonth()]} ${d.getUTCFullYear()}`;
}

/** "14 Sep 2026 14:05:03". */
export const moment = (ms) => `${date(ms)} ${timeOfDay(ms)}`;

/** An age in one or two units: "3 s ago", "1 h 5 min ago". */
export function ago(ms) {
  const s = Math.floor(Math.max(ms, 0) / 1000);
  const past = (time) => t('{time} ago', { time });
  if (s < 60) return past(`${s} s`);
  if (s < 3600) return past(`${Math.floor(s / 60)} min`);
  if (s < 48 * 3600) return past(`${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`);
  return past(`${Math.floor(s / 86400)} d`);
}

/** A length of time in at most two units: "5 min 10 s". */
export function span(ms) {
  const s = Math.floor(Math.max(ms, 0) / 1000);
  const units = [[86400, 'd'], [3600, 'h'], [60, 'min'], [1, 's']];
  for (const [i, [n, name]] of units.entries()) {
    if (s < n) continue;
    let out = `${Math.floor(s / n)} ${name}`;
    const next = units[i + 1];
    if (next) {
      const rest = Math.floor((s % n) / next[0]);
      if (rest > 0) out += ` ${rest} ${next[1]}`;
    }
    return out;
  }
  return '0 s';
}

/** A number with a true minus sign. */
export const number = (v, decimals) => v.toFixed(decimals).replace('-', '−');
