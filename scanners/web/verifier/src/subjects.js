// Subject ids (contracts/specs/statement.md) and the check sign of GB 32100 in codes and credit codes.

import { refuse } from './refusal.js';

const ALPHABET = '0123456789ABCDEFGHJKLMNPQRTUWXY';
const FORMS = {
  enterprise: /^[0-9A-Z]{18}$/,
  site: /^[A-Z0-9][A-Z0-9.-]{0,31}$/,
  licence: /^[A-Z0-9][A-Z0-9.-]{0,31}$/,
  device: /^[A-Z0-9][A-Z0-9.-]{0,31}$/,
  batch: /^[A-Z0-9][A-Z0-9.-]{0,63}$/,
  waybill: /^[A-Z0-9][A-Z0-9-]{2,31}$/,
  key: /^[0-9a-f]{64}$/,
  alert: /^[0-9a-f]{64}$/,
};
const CREDIT_FORM = /^[0-9A-HJ-NP-RTUWXY]{2}[0-9]{6}[0-9A-HJ-NP-RTUWXY]{10}$/;

export const isItem = subject => !subject.includes(':');

const MOST_KEPT = 512;
const kept = new Set();

/** Refuse what is not a subject id in its one spelling. One seen before is kept: a history names its own at each event. */
export function checkSubject(text) {
  if (kept.has(text)) return text;
  readSubject(text);
  if (kept.size >= MOST_KEPT) kept.clear();
  kept.add(text);
  return text;
}

function readSubject(text) {
  const at = text.indexOf(':');
  if (at < 0) return checkCode(text);
  const [prefix, name] = [text.slice(0, at), text.slice(at + 1)];
  if (!Object.hasOwn(FORMS, prefix) || !FORMS[prefix].test(name)) {
    return refuse('subject.invalid', 'not a subject id', { found: text.slice(0, 80) });
  }
  if (prefix === 'enterprise' && !(CREDIT_FORM.test(name) && checkSign(name.slice(0, 17)) === name[17])) {
    return refuse('credit-code.invalid', 'not a credit code, or its check sign is wrong', { found: name });
  }
  return text;
}

/** Refuse what is not a canonical 19-sign trace code (contracts/specs/trace-code.md). */
export function checkCode(signs) {
  const odd = text => refuse('code.format', 'not a trace code', { found: text.slice(0, 19) });
  if (signs.length !== 19 || [...signs.slice(0, 18)].some(sign => !ALPHABET.includes(sign))) return odd(signs);
  if (signs.slice(0, 3) !== 'BJ1') return refuse('code.version', 'codes of this ledger begin with BJ1', { found: signs.slice(0, 3) });
  if (!/^BJ1(?:[PCTW](?!000)|A)[0-9]{3}/.test(signs) || !ALPHABET.includes(signs[18])) return odd(signs);
  const expected = checkSign(signs.slice(0, 18));
  if (expected !== signs[18]) return refuse('code.check', 'the check sign does not fit', { found: signs[18], expected });
  return signs;
}

/** Weights 3^i mod 31 from the left; value = (31 - sum mod 31) mod 31. */
function checkSign(body) {
  let weight = 1;
  let total = 0;
  for (const sign of body) {
    total += weight * ALPHABET.indexOf(sign);
    weight = (weight * 3) % 31;
  }
  return ALPHABET[(31 - (total % 31)) % 31];
}
