// Octets and their texts. Every reader takes one spelling only: what it takes, its writer gives back.

import { refuse } from './refusal.js';

const ENCODER = new TextEncoder();
const STRICT = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const HEX = Array.from({ length: 256 }, (_, octet) => octet.toString(16).padStart(2, '0'));

export const utf8 = text => ENCODER.encode(text);

/** Text of UTF-8 octets; refuses with `code` what is not UTF-8. */
export function fromUtf8(octets, code) {
  try {
    return STRICT.decode(octets);
  } catch {
    return refuse(code, 'not UTF-8');
  }
}

export function concat(...parts) {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

export function same(left, right) {
  return left.length === right.length && left.every((octet, at) => octet === right[at]);
}

export const compare = (left, right) => {
  const shared = Math.min(left.length, right.length);
  for (let at = 0; at < shared; at++) if (left[at] !== right[at]) return left[at] - right[at];
  return left.length - right.length;
};

export function toHex(octets) {
  let text = '';
  for (const octet of octets) text += HEX[octet];
  return text;
}

export const isHex32 = text => typeof text === 'string' && /^[0-9a-f]{64}$/.test(text);

/** Octets of lowercase hex; the caller has checked its form, or gives the code to refuse with. */
export function fromHex(text, code = 'bundle.format') {
  if (typeof text !== 'string' || text.length % 2 || !/^[0-9a-f]*$/.test(text)) refuse(code, 'not lowercase hex');
  const octets = new Uint8Array(text.length / 2);
  for (let at = 0; at < octets.length; at++) octets[at] = parseInt(text.slice(2 * at, 2 * at + 2), 16);
  return octets;
}

function binary(octets) {
  const pieces = [];
  for (let at = 0; at < octets.length; at += 8192) pieces.push(String.fromCharCode(...octets.subarray(at, at + 8192)));
  return pieces.join('');
}

export const toBase64 = octets => btoa(binary(octets));
export const toBase64url = octets => toBase64(octets).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');

/** Octets of padded standard base64 in its one spelling. */
export function fromBase64(text, code) {
  let octets;
  try {
    if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text)) throw new TypeError('foreign signs');
    octets = Uint8Array.from(atob(text), sign => sign.charCodeAt(0));
  } catch {
    return refuse(code, 'not base64', { found: String(text).slice(0, 120) });
  }
  if (toBase64(octets) !== text) refuse(code, 'not canonical base64', { found: text.slice(0, 120) });
  return octets;
}

/** Octets of unpadded base64url (RFC 4648 section 5) with spare bits zero. */
export function fromBase64url(text, code = 'wire.invalid') {
  if (typeof text !== 'string' || !/^[A-Za-z0-9_-]*$/.test(text)) refuse(code, 'not unpadded base64url');
  const standard = text.replaceAll('-', '+').replaceAll('_', '/');
  return fromBase64(standard + '='.repeat((4 - (text.length % 4)) % 4), code);
}

/** Eight octets, big end first, of an integer below 2^53. */
export function u64(number) {
  const octets = new Uint8Array(8);
  new DataView(octets.buffer).setBigUint64(0, BigInt(number));
  return octets;
}
