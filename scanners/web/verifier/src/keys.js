// Public keys and their signatures (contracts/specs/keys.md): a closed registry; the key fixes the algorithm, never
// the message. The browser's own cryptography is used where it gives the right answer to a test, else noble's.

import { p256 } from '@noble/curves/nist.js';
import { checkEd25519Key, passesStrictRule, verifyEd25519Slowly } from './ed25519.js';
import { DEFAULT_ID, Sm2Point, toNumber, verifySm2 } from './sm2.js';
import { sha256 } from './merkle.js';
import { refuse } from './refusal.js';
import { concat, fromHex, toHex, utf8 } from './octets.js';

const HALF_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n >> 1n;

const PREFIXES = {
  ed25519: fromHex('302a300506032b6570032100'),
  p256: fromHex('3059301306072a8648ce3d020106082a8648ce3d030107034200'),
  sm2: fromHex('3059301306072a8648ce3d020106082a811ccf5501822d034200'),
};
const CHECKS = { ed25519: checkEd25519Key, p256: checkPoint(p256.Point), sm2: checkPoint(Sm2Point) };

function checkPoint(Point) {
  return raw => {
    try {
      if (raw.length === 65 && raw[0] === 4) {
        Point.fromBytes(raw).assertValidity();
        return;
      }
    } catch {
      // refused below
    }
    refuse('key.spki', 'not an uncompressed point of the curve', { size: raw.length });
  };
}

const MOST_KEPT = 512;
const kept = new Map();

/** The key of SubjectPublicKeyInfo DER, in the one encoding that each algorithm has here. A key seen before is kept. */
export function parseSpki(der, sm2Id = '') {
  const name = `${toHex(der)} ${sm2Id}`;
  if (!kept.has(name)) {
    const key = readSpki(der, sm2Id);
    if (kept.size >= MOST_KEPT) kept.clear();
    kept.set(name, key);
  }
  return kept.get(name);
}

function readSpki(der, sm2Id) {
  for (const [alg, prefix] of Object.entries(PREFIXES)) {
    if (prefix.every((octet, at) => der[at] === octet)) {
      const raw = der.slice(prefix.length);
      CHECKS[alg](raw);
      return { alg, raw, spki: der, kid: toHex(sha256(der)), sm2Id: alg === 'sm2' ? sm2Id || DEFAULT_ID : '' };
    }
  }
  return refuse('key.spki', 'not a public key of a registered algorithm');
}

/** A raw Ed25519 key, for logs and witnesses. */
export const ed25519Key = raw => ({ alg: 'ed25519', raw, spki: concat(PREFIXES.ed25519, raw), sm2Id: '' });

/** DSSE pre-authentication encoding: what is signed over `body`. The type is ASCII, as all of ours are. */
export function encodePae(type, body) {
  return concat(startOf(type, body.length), body);
}

const starts = new Map();

/** Bodies are often of one size: what stands before them is kept. */
function startOf(type, size) {
  const text = `DSSEv1 ${type.length} ${type} ${size} `;
  let start = starts.get(text);
  if (!start) {
    start = utf8(text);
    if (starts.size >= MOST_KEPT) starts.clear();
    starts.set(text, start);
  }
  return start;
}

/** As `encodePae`, in memory that the next call writes over: for whoever copies it at once, as the browser does. */
export function lendPae(type, body) {
  const start = startOf(type, body.length);
  room.set(start);
  room.set(body, start.length);
  return room.subarray(0, start.length + body.length);
}

const room = new Uint8Array(1 << 17);
const asFalse = () => false;
const imported = new WeakMap();

/** Verifies signatures; the browser's form of a key is kept as long as the key. `browser` false leaves the browser's cryptography out. */
export class Signatures {
  constructor({ browser = true } = {}) {
    this.wanted = browser;
    this.ready = new Map();
    this.count = 0;
  }

  /** Have the browser take up keys now, so that `start` need not wait for it. */
  async prepare(keys) {
    for (const key of keys) {
      const native = this.wanted && key.alg !== 'sm2' ? await this.native(key) : null;
      if (native) this.ready.set(key, native);
    }
  }

  /** Whether a signature holds, begun at once by the browser: false, or a promise; null where that cannot be. */
  start(key, message, signature) {
    const native = this.ready.get(key);
    if (!native) return null;
    this.count += 1;
    if (!hasForm(key, signature)) return false;
    return crypto.subtle.verify(ALGORITHMS[key.alg].verify, native, signature, message).catch(asFalse);
  }

  /** Whether a raw signature holds; a promise. Never throws. */
  async holds(key, message, signature) {
    this.count += 1;
    if (key.alg === 'sm2') return verifySm2(key.raw, message, signature, key.sm2Id);
    if (!hasForm(key, signature)) return false;
    const native = this.wanted ? await this.native(key) : null;
    if (native) return crypto.subtle.verify(ALGORITHMS[key.alg].verify, native, signature, message);
    if (key.alg === 'ed25519') return verifyEd25519Slowly(key.raw, message, signature);
    return verifyP256Slowly(key.raw, message, signature);
  }

  /** Refuse with `signature.invalid` what does not hold. */
  async verify(key, message, signature) {
    if (!(await this.holds(key, message, signature))) {
      refuse('signature.invalid', `the ${key.alg} signature does not verify`, { algorithm: key.alg });
    }
  }

  native(key) {
    if (!imported.has(key)) imported.set(key, importKey(key));
    return imported.get(key);
  }
}

const ALGORITHMS = {
  ed25519: { import: { name: 'Ed25519' }, verify: 'Ed25519' },
  p256: { import: { name: 'ECDSA', namedCurve: 'P-256' }, verify: { name: 'ECDSA', hash: 'SHA-256' } },
};

async function importKey(key) {
  try {
    if (!(await isTrusted(key.alg))) return null;
    return await crypto.subtle.importKey('raw', key.raw, ALGORITHMS[key.alg].import, false, ['verify']);
  } catch {
    return null;
  }
}

// One signature of each algorithm over the empty message (RFC 8032 section 7.1 test 1; RFC 6979 key, own signature).
const KNOWN = {
  ed25519: {
    raw: 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    message: '',
    signature:
      'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  },
  p256: {
    raw: '0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb67903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299',
    message: '73616d706c65',
    signature:
      'efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8',
  },
};
const trusted = new Map();

/** Whether this browser takes a known signature and refuses it changed; asked once for each algorithm. */
function isTrusted(alg) {
  if (!trusted.has(alg)) trusted.set(alg, tryKnown(alg));
  return trusted.get(alg);
}

async function tryKnown(alg) {
  try {
    const known = KNOWN[alg];
    const algorithm = ALGORITHMS[alg];
    const key = await crypto.subtle.importKey('raw', fromHex(known.raw), algorithm.import, false, ['verify']);
    const ask = message => crypto.subtle.verify(algorithm.verify, key, fromHex(known.signature), message);
    return (await ask(fromHex(known.message))) === true && (await ask(utf8('another'))) === false;
  } catch {
    return false;
  }
}

const hasForm = (key, signature) => (key.alg === 'ed25519' ? passesStrictRule(key.raw, signature) : isLow(signature));
const isLow = signature => signature.length === 64 && toNumber(signature.subarray(32)) <= HALF_ORDER;

function verifyP256Slowly(raw, message, signature) {
  try {
    return p256.verify(signature, message, raw, { format: 'compact', lowS: true, prehash: true });
  } catch {
    return false;
  }
}
