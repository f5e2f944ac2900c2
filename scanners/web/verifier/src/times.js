// Time: RFC 3339 text outside, microseconds since 1970 inside. Below 2^53 a number holds them exactly.

import { refuse } from './refusal.js';

const FORM =
  /^([0-9]{4})-([0-9]{2})-([0-9]{2})T([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9])(?:\.([0-9]{1,6}))?(Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])$/;
const MAX_US = 253402300799999999n;

/** Microseconds UTC of a strict RFC 3339 time with offset, as a BigInt; refuses leap seconds and -00:00. */
export function parseTime(text) {
  const found = FORM.exec(text);
  if (!found || text.endsWith('-00:00') || !isDay(+found[1], +found[2], +found[3])) return fault(text);
  // Date.UTC takes years below 100 for those of the last century; all of them are before 1970 and refused.
  const moment = +found[1] < 100 ? -1e14 : Date.UTC(+found[1], +found[2] - 1, +found[3], +found[4], +found[5], +found[6]);
  const offset = found[8] === 'Z' ? 0 : (found[8][0] === '-' ? -1 : 1) * (+found[8].slice(1, 3) * 60 + +found[8].slice(4));
  const us = BigInt(moment - offset * 60000) * 1000n + (found[7] ? BigInt(found[7].padEnd(6, '0')) : 0n);
  return us >= 0n && us <= MAX_US ? us : fault(text);
}

/** RFC 3339 in UTC with six fraction digits or, for whole seconds, none. */
export function formatTime(us) {
  const moment = BigInt(us);
  if (moment < 0n || moment > MAX_US) fault(String(us));
  const fraction = moment % 1000000n;
  const seconds = new Date(Number(moment / 1000000n) * 1000).toISOString().slice(0, 19);
  return `${seconds}${fraction ? `.${String(fraction).padStart(6, '0')}` : ''}Z`;
}

function isDay(year, month, day) {
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  return year >= 1 && day >= 1 && day <= ([31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1] ?? 0);
}

function fault(text) {
  return refuse('time.format', 'not an RFC 3339 time with offset', { found: String(text).slice(0, 40) });
}
