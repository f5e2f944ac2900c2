// Ed25519 under the one strict rule of contracts/specs/keys.md, checked before any library is asked: S below the group
// order, A and R canonical and not of low order. Past it browser and fallback give one answer; the fallback uses the
// cofactorless equation itself, because libraries differ in that.

import { ed25519 } from '@noble/curves/ed25519.js';
import { sha512 } from '@noble/hashes/sha2.js';
import { refuse } from './refusal.js';
import { concat, same, toHex } from './octets.js';

const P = 2n ** 255n - 19n;
const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;
const ORDER_8 = [
  0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n,
  0x7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7n,
];

/** The 14 encodings of the eight points of low order, canonical or not, with either sign bit. */
const LOW_ORDER = new Set(
  [...ORDER_8, 0n, 1n, P - 1n, P, P + 1n].flatMap(y => [y, y | (1n << 255n)]).map(number => toHex(little(number))),
);

/** Their first two octets: most points of a signature have others, and need no look at the rest. */
const LOW_ORDER_STARTS = new Set([...LOW_ORDER].map(text => parseInt(text.slice(0, 4), 16)));

const ORDER_OCTETS = little(ORDER);

function little(number) {
  return Uint8Array.from({ length: 32 }, (_, at) => Number((number >> BigInt(8 * at)) & 255n));
}

function fromLittle(octets) {
  return octets.reduceRight((number, octet) => (number << 8n) | BigInt(octet), 0n);
}

/** Whether 32 octets encode y below 2^255 - 19, the sign bit left out. */
function isCanonical(point) {
  return !(point[0] >= 0xed && (point[31] & 0x7f) === 0x7f && point.subarray(1, 31).every(octet => octet === 0xff));
}

/** Whether the 32 octets, little end first, are below the group order. */
function isBelowOrder(scalar) {
  for (let at = 31; at >= 0; at--) if (scalar[at] !== ORDER_OCTETS[at]) return scalar[at] < ORDER_OCTETS[at];
  return false;
}

const isWeak = point => (LOW_ORDER_STARTS.has(point[0] * 256 + point[1]) && LOW_ORDER.has(toHex(point))) || !isCanonical(point);

/** Refuse at registration what no signature could be trusted under. */
export function checkEd25519Key(raw) {
  if (raw.length !== 32) refuse('key.spki', 'an Ed25519 key has 32 bytes', { size: raw.length });
  if (isWeak(raw)) refuse('key.weak', 'this public key has low order or a non-canonical encoding');
  try {
    ed25519.Point.fromBytes(raw);
  } catch {
    refuse('key.spki', 'these 32 bytes are not a point of the curve');
  }
}

/** Whether the form of key and signature may be looked at at all. */
export function passesStrictRule(raw, signature) {
  if (raw.length !== 32 || signature.length !== 64) return false;
  return !isWeak(raw) && !isWeak(signature.subarray(0, 32)) && isBelowOrder(signature.subarray(32));
}

/** encode([S]B - [h]A) = R, without the browser's cryptography. */
export function verifyEd25519Slowly(raw, message, signature) {
  try {
    const nonce = signature.subarray(0, 32);
    const hash = fromLittle(sha512(concat(nonce, raw, message))) % ORDER;
    const key = ed25519.Point.fromBytes(raw).negate();
    const scaled = ed25519.Point.BASE.multiplyUnsafe(fromLittle(signature.subarray(32)));
    return same(scaled.add(key.multiplyUnsafe(hash)).toBytes(), nonce);
  } catch {
    return false;
  }
}
