// Signed notes and checkpoints (C2SP signed-note, tlog-checkpoint), cosignatures (tlog-cosignature) and inclusion
// proofs as text (tlog-proof). contracts/specs/checkpoint.md.

import { ml_dsa44 as mlDsa44 } from '@noble/post-quantum/ml-dsa.js';
import { checkEd25519Key } from './ed25519.js';
import { ed25519Key } from './keys.js';
import { isWellFormed } from './canonical.js';
import { sha256 } from './merkle.js';
import { refuse, Refusal } from './refusal.js';
import { concat, fromBase64, fromUtf8, toBase64, toHex, utf8 } from './octets.js';

export const LOG_KEY = 1;
export const COSIGNATURE = 4;
export const COSIGNATURE_ML_DSA = 6;

const MAX_NOTE = 1_000_000;
const MAX_SIGNATURES = 100;
// The last second of the year 9999.
const MAX_TIME = 253402300799n;
const MAX_INTEGER = 2n ** 63n - 1n;
const KEY_SIZES = { [LOG_KEY]: 32, [COSIGNATURE]: 32, [COSIGNATURE_ML_DSA]: 1312 };
const SIGNATURE_SIZES = { [COSIGNATURE]: 64, [COSIGNATURE_ML_DSA]: 2420 };
const SPACE = /[\u0000-\u0020\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000+]/;

const fault = (detail, fields) => refuse('note.format', detail, fields);

export function checkKeyName(name) {
  if (!name || SPACE.test(name) || !isWellFormed(name)) {
    fault("a key name is not empty and has neither spaces nor '+'", { found: name.slice(0, 120) });
  }
}

const keyHash = (name, type, raw) => sha256(concat(utf8(name), Uint8Array.of(0x0a, type), raw)).slice(0, 4);

/** Name, type, raw key and key hash of a verifier key text; `types` are the types taken. */
export function parseVkey(text, ...types) {
  const [, name, hash, key] = /^([^+]*)\+?([^+]*)\+?(.*)$/s.exec(text);
  checkKeyName(name);
  const body = fromBase64(key, 'note.format');
  const [type, raw] = [body[0], body.slice(1)];
  if (body.length < 2 || hash !== toHex(keyHash(name, type, raw))) fault('not a verifier key, or its hash does not fit');
  if (!types.includes(type) || raw.length !== KEY_SIZES[type]) fault('a verifier key of another type or size', { found: type });
  if (type === COSIGNATURE) checkWitnessKey(raw);
  return { name, type, raw, hash };
}

function checkWitnessKey(raw) {
  try {
    checkEd25519Key(raw);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    fault('this witness key cannot be trusted with anything', { reason: error.message });
  }
}

/** Text and signature lines [{name, hash, signature}] of a note; nothing is verified. */
export function parseNote(octets) {
  if (octets.length > MAX_NOTE) fault('the note is too large', { size: octets.length, limit: MAX_NOTE });
  const whole = fromUtf8(octets, 'note.format');
  const at = whole.lastIndexOf('\n\n');
  if (at < 0 || !whole.endsWith('\n')) fault('a note is a text, an empty line and signature lines');
  const text = whole.slice(0, at + 1);
  if (/[\x00-\x09\x0b-\x1f]/.test(text)) fault("a note's text has no control characters but newlines");
  const lines = whole.slice(at + 2, -1).split('\n');
  if (lines.length > MAX_SIGNATURES) fault('a note has 1 to 100 signatures', { found: lines.length });
  return { text, lines: lines.map(parseLine) };
}

function parseLine(line) {
  const rest = line.startsWith('\u2014 ') ? line.slice(2) : fault('not a signature line', { found: line.slice(0, 120) });
  const at = rest.indexOf(' ');
  const name = at < 0 ? rest : rest.slice(0, at);
  const body = fromBase64(at < 0 ? '' : rest.slice(at + 1), 'note.format');
  if (body.length < 5) fault('not a signature line', { found: line.slice(0, 120) });
  checkKeyName(name);
  return { name, hash: toHex(body.subarray(0, 4)), signature: body.slice(4) };
}

export function encodeNote({ text, lines }) {
  const written = lines.map(line => `\u2014 ${line.name} ${toBase64(concat(hashOctets(line.hash), line.signature))}\n`);
  return `${text}\n${written.join('')}`;
}

const hashOctets = hash => Uint8Array.from(hash.match(/../g), pair => parseInt(pair, 16));

/** Origin, size (BigInt) and root of a checkpoint's text. Lines behind the third are of others and left out. */
export function parseCheckpoint(text, origin = null) {
  const odd = (detail, fields) => refuse('checkpoint.invalid', detail, fields);
  const lines = text.split('\n');
  if (lines.length < 4 || lines.at(-1) || lines.slice(0, -1).includes('')) {
    odd('a checkpoint has a line each for origin, size and root, none empty');
  }
  if (origin !== null && lines[0] !== origin) odd('this checkpoint is of another log', { expected: origin, found: lines[0] });
  if (!/^(0|[1-9][0-9]{0,18})$/.test(lines[1]) || BigInt(lines[1]) > MAX_INTEGER) {
    odd('the size is not a decimal number below 2^63', { found: lines[1].slice(0, 40) });
  }
  const root = fromBase64(lines[2], 'checkpoint.invalid');
  if (root.length !== 32) odd('the root has 32 bytes', { found: root.length });
  return { origin: lines[0], size: BigInt(lines[1]), root, extensions: lines.slice(3, -1) };
}

export const encodeCheckpoint = ({ origin, size, root }) => `${origin}\n${size}\n${toBase64(root)}\n`;

const keys = new WeakMap();

/** The key of a verifier, one and the same each time, so that the browser takes it up once. */
function keyOf(verifier) {
  if (!keys.has(verifier)) keys.set(verifier, ed25519Key(verifier.raw));
  return keys.get(verifier);
}

/** Verify one line of the log's key over a note's text. */
export async function verifyLogLine(verifier, text, line, signatures) {
  if (!(await signatures.holds(keyOf(verifier), utf8(text), line.signature))) {
    refuse('note.signature', "the note's signature does not verify", { name: line.name });
  }
}

/** The time (BigInt, seconds since 1970) of a cosignature line that verifies. */
export async function verifyCosignature(verifier, text, line, signatures) {
  const body = line.signature;
  const time = body.length >= 8 ? new DataView(body.buffer, body.byteOffset).getBigUint64(0) : 0n;
  const timeless = time === 0n && verifier.type !== COSIGNATURE_ML_DSA;
  if (body.length !== 8 + SIGNATURE_SIZES[verifier.type] || timeless || time > MAX_TIME) {
    refuse('note.signature', 'the cosignature has a wrong length or time', { name: line.name });
  }
  const message = cosignedMessage(verifier, text, time);
  const good =
    verifier.type === COSIGNATURE
      ? await signatures.holds(keyOf(verifier), message, body.subarray(8))
      : verifyMlDsa(verifier.raw, message, body.subarray(8));
  if (!good) refuse('note.signature', 'the cosignature does not verify', { name: line.name });
  return time;
}

function verifyMlDsa(raw, message, signature) {
  try {
    return mlDsa44.verify(signature, message, raw);
  } catch {
    return false;
  }
}

function cosignedMessage(verifier, text, time) {
  const checkpoint = parseCheckpoint(text);
  if (verifier.type === COSIGNATURE) return utf8(`cosignature/v1\ntime ${time}\n${text}`);
  const names = [utf8(verifier.name), utf8(checkpoint.origin)];
  if (names.some(name => name.length < 1 || name.length > 255)) fault('a name and an origin have 1 to 255 bytes');
  const big = number => {
    const octets = new Uint8Array(8);
    new DataView(octets.buffer).setBigUint64(0, number);
    return octets;
  };
  const sized = names.map(name => concat(Uint8Array.of(name.length), name));
  return concat(utf8('subtree/v1\n\0'), sized[0], big(time), sized[1], big(0n), big(checkpoint.size), checkpoint.root);
}

/** Index (BigInt), path and note of a tlog-proof without an extra line. */
export function parseTlogProof(octets) {
  const odd = (detail, fields) => refuse('proof.shape', detail, fields);
  const whole = fromUtf8(octets, 'proof.shape');
  const at = whole.indexOf('\n\n');
  if (at < 0) odd('a tlog-proof is some lines, an empty line and a checkpoint');
  const [first, ...lines] = whole.slice(0, at).split('\n');
  if (first !== 'c2sp.org/tlog-proof@v1') odd('not a tlog-proof', { found: first.slice(0, 80) });
  if (lines[0]?.startsWith('extra ')) refuse('bundle.format', 'the proof in a bundle has no extra line');
  const found = /^index (0|[1-9][0-9]{0,18})$/.exec(lines[0] ?? '');
  if (!found || BigInt(found[1]) > MAX_INTEGER) odd('the index line reads: index <decimal without leading zeros>');
  if (lines.length > 64) odd('the path is too long', { limit: 63, found: lines.length - 1 });
  const note = parseNote(utf8(whole.slice(at + 2)));
  parseCheckpoint(note.text);
  const path = lines.slice(1).map(line => fromBase64(line, 'proof.shape'));
  if (path.some(hash => hash.length !== 32)) odd('every hash has 32 bytes');
  return { index: BigInt(found[1]), path, note };
}

export function encodeTlogProof({ index, path, note }) {
  return `${['c2sp.org/tlog-proof@v1', `index ${index}`, ...path.map(toBase64)].join('\n')}\n\n${encodeNote(note)}`;
}

export const sameKey = (line, verifier) => line.name === verifier.name && line.hash === verifier.hash;
