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
  let size = 0;
  for (const part of parts) size += part.length;
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

export function same(left, right) {
  if (left.length !== right.length) return false;
  for (let at = 0; at < left.length; at++) if (left[at] !== right[at]) return false;
  return true;
}

export const compare = (left, right) => {
  const shared = Math.min(left.length, right.length);
  for (let at = 0; at < shared; at++) if (left[at] !== right[at]) return left[at] - right[at];
  return left.length - right.length;
};

export function toHex(octets) {
  if (octets.toHex) return octets.toHex();
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

const STANDARD = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const URL_SAFE = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const NO_SIGN = 64;

/** Value of each ASCII sign, `NO_SIGN` for what is none. Own tables: a bundle is mostly base64, and atob is slow at it. */
function tableOf(alphabet) {
  const table = new Uint8Array(128).fill(NO_SIGN);
  [...alphabet].forEach((sign, value) => {
    table[sign.charCodeAt(0)] = value;
  });
  return table;
}

const STANDARD_VALUES = tableOf(STANDARD);
const URL_SAFE_VALUES = tableOf(URL_SAFE);

/** Octets of unpadded signs, or null: a foreign sign, one sign too many, or spare bits that are not zero. */
function decode(text, values) {
  const rest = text.length % 4;
  const octets = new Uint8Array(Math.floor((text.length * 3) / 4));
  let bits = 0;
  let at = 0;
  for (let place = 0; place < text.length; place++) {
    const code = text.charCodeAt(place);
    const value = code < 128 ? values[code] : NO_SIGN;
    if (value === NO_SIGN) return null;
    bits = ((bits << 6) | value) & 0xffff;
    if (place % 4) octets[at++] = bits >> (6 - 2 * (place % 4));
  }
  return rest === 1 || (rest && bits & (rest === 2 ? 15 : 3)) ? null : octets;
}

function encode(octets, alphabet) {
  let text = '';
  for (let at = 0; at < octets.length; at += 3) {
    const bits = (octets[at] << 16) | ((octets[at + 1] ?? 0) << 8) | (octets[at + 2] ?? 0);
    text += alphabet[bits >> 18] + alphabet[(bits >> 12) & 63] + alphabet[(bits >> 6) & 63] + alphabet[bits & 63];
  }
  return text.slice(0, Math.ceil((octets.length * 4) / 3));
}

export const toBase64url = octets => encode(octets, URL_SAFE);
export function toBase64(octets) {
  const text = encode(octets, STANDARD);
  return text + '='.repeat((4 - (text.length % 4)) % 4);
}

/** Octets of padded standard base64 in its one spelling. */
export function fromBase64(text, code) {
  const bare = text.replace(/={1,2}$/, '');
  const octets = text.length % 4 ? null : decode(bare, STANDARD_VALUES);
  if (!octets || text.length - bare.length !== (4 - (bare.length % 4)) % 4) {
    refuse(code, 'not base64 in its one spelling', { found: text.slice(0, 120) });
  }
  return octets;
}

/** Octets of unpadded base64url (RFC 4648 section 5) with spare bits zero. */
export function fromBase64url(text, code = 'wire.invalid') {
  const octets = typeof text === 'string' ? decode(text, URL_SAFE_VALUES) : null;
  return octets ?? refuse(code, 'not unpadded base64url in its one spelling');
}

const NATIVE = typeof Uint8Array.prototype.setFromBase64 === 'function';
const ALPHABET = { alphabet: 'base64url' };

/** Decodes many texts of unpadded base64url into one stretch of memory, by the browser itself where it can. */
export class Decoder {
  /** `signs` is how many signs all texts have together. */
  constructor(signs) {
    this.room = NATIVE ? new Uint8Array(Math.floor((signs * 3) / 4)) : null;
    this.at = 0;
  }

  /** As `fromBase64url`. */
  take(text) {
    return (NATIVE ? this.takeNative(text) : decode(text, URL_SAFE_VALUES)) ?? fromBase64url(null);
  }

  takeNative(text) {
    const rest = text.length % 4;
    if (rest === 1 || (rest && spareBits(text, rest))) return null;
    const size = Math.floor((text.length * 3) / 4);
    const octets = this.room.subarray(this.at, this.at + size);
    this.at += size;
    // The browser leaves out spaces and takes padding; then there is less than the signs have room for.
    return fill(octets, text) === size ? octets : null;
  }
}

function fill(octets, text) {
  try {
    const { read, written } = octets.setFromBase64(text, ALPHABET);
    return read === text.length ? written : -1;
  } catch {
    return -1;
  }
}

const spareBits = (text, rest) => URL_SAFE_VALUES[text.charCodeAt(text.length - 1) & 127] & (rest === 2 ? 15 : 3);

/** Writes eight octets, big end first, of an integer below 2^53. */
export function putU64(octets, at, number) {
  let rest = number;
  for (let place = at + 7; place >= at; place--) {
    octets[place] = rest % 256;
    rest = Math.floor(rest / 256);
  }
}

/** Eight octets, big end first, of an integer below 2^53. */
export function u64(number) {
  const octets = new Uint8Array(8);
  putU64(octets, 0, number);
  return octets;
}
