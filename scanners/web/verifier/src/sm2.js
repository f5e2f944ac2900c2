// SM2 signatures with SM3 (GB/T 32918.2-2016), verified on noble's curve arithmetic. Raw r || s, 64 octets.

import { weierstrass } from '@noble/curves/abstract/weierstrass.js';
import { sm3 } from './sm3.js';
import { concat, utf8 } from './octets.js';

export const DEFAULT_ID = '1234567812345678';

const ORDER = 0xfffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54123n;
const CURVE = {
  p: 0xfffffffeffffffffffffffffffffffffffffffff00000000ffffffffffffffffn,
  n: ORDER,
  h: 1n,
  a: 0xfffffffeffffffffffffffffffffffffffffffff00000000fffffffffffffffcn,
  b: 0x28e9fa9e9d9f5e344d5a9e4bcf6509a7f39789f515ab8f92ddbcbd414d940e93n,
  Gx: 0x32c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7n,
  Gy: 0xbc3736a2f4f6779c59bdcee36b692153d0a9877cc62a474002df32e52139f0a0n,
};
export const Sm2Point = weierstrass(CURVE);

export const toNumber = octets => octets.reduce((number, octet) => (number << 8n) | BigInt(octet), 0n);
const fixed = number => Uint8Array.from({ length: 32 }, (_, at) => Number((number >> BigInt(8 * (31 - at))) & 255n));

/** e = SM3(Z || message), Z the digest of user id, curve and key (section 5.5). */
function messageNumber(raw, message, userId) {
  const name = utf8(userId);
  const size = Uint8Array.of((name.length * 8) >> 8, (name.length * 8) & 255);
  const z = sm3(concat(size, name, fixed(CURVE.a), fixed(CURVE.b), fixed(CURVE.Gx), fixed(CURVE.Gy), raw.subarray(1)));
  return toNumber(sm3(concat(z, message)));
}

/** Whether a raw signature holds under an uncompressed point (section 7.1). */
export function verifySm2(raw, message, signature, userId) {
  if (signature.length !== 64) return false;
  const r = toNumber(signature.subarray(0, 32));
  const s = toNumber(signature.subarray(32));
  const t = (r + s) % ORDER;
  if (!(r > 0n && r < ORDER && s > 0n && s < ORDER && t)) return false;
  const sum = Sm2Point.BASE.multiplyUnsafe(s).add(Sm2Point.fromBytes(raw).multiplyUnsafe(t));
  if (sum.is0()) return false;
  return (messageNumber(raw, message, userId || DEFAULT_ID) + sum.toAffine().x) % ORDER === r;
}
