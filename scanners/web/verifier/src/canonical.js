// JSON in one spelling (contracts/specs/canonical.md): RFC 8785 on a grammar without floats and with ASCII names.
// Good documents take the fast way: parse, look at names and numbers, have the engine write it again, compare. Only
// what differs is read sign by sign, to name the defect with the ledger's code.

import { refuse } from './refusal.js';
import { fromUtf8, utf8 } from './octets.js';

export const MAX_DEPTH = 32;
const MAX_SAFE = Number.MAX_SAFE_INTEGER;

/** The value of canonical JSON octets of at most `limit` octets. */
export function parseCanonical(octets, limit) {
  if (octets.length > limit) refuse('json.too-large', 'the document is too large', { size: octets.length, limit });
  const text = fromUtf8(octets, 'json.syntax');
  let value;
  try {
    value = JSON.parse(text);
  } catch {
    return explain(text);
  }
  return isWrittenSo(value, text) ? value : explain(text);
}

/** Whether the canonical text of `value` is `text`. */
function isWrittenSo(value, text) {
  // RFC 8785 writes as ECMAScript does, but for the order of names, some numbers and lone surrogates.
  if (!text.includes('\\ud')) return isPlain(value, 0) && JSON.stringify(value) === text;
  try {
    return write(value, 0) === text;
  } catch (fault) {
    if (!(fault instanceof RangeError)) throw fault;
    return false;
  }
}

/** Whether the engine's own writing of a parsed value is the canonical one: names in order, integers, not too deep. */
function isPlain(value, depth) {
  if (typeof value === 'number') return isInteger(value);
  if (typeof value !== 'object' || value === null) return true;
  if (depth === MAX_DEPTH) return false;
  if (Array.isArray(value)) return value.every(inner => isPlain(inner, depth + 1));
  let before = null;
  for (const name of Object.keys(value)) {
    if ((before !== null && before > name) || !isKnown(name) || !isPlain(value[name], depth + 1)) return false;
    before = name;
  }
  return true;
}

const isInteger = number => Number.isSafeInteger(number) && !Object.is(number, -0);

/** The canonical text of a value; raises `RangeError` outside the grammar. */
export const writeCanonical = value => write(value, 0);
export const encodeCanonical = value => utf8(write(value, 0));

function write(value, depth) {
  if (typeof value === 'string') return writeText(value);
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'number') return writeNumber(value);
  if (depth === MAX_DEPTH) throw new RangeError('too deep');
  if (Array.isArray(value)) return `[${value.map(inner => write(inner, depth + 1)).join(',')}]`;
  let text = '{';
  for (const name of Object.keys(value).sort()) {
    text += `${text.length > 1 ? ',' : ''}${writeName(name)}:${write(value[name], depth + 1)}`;
  }
  return `${text}}`;
}

function writeText(text) {
  // Most texts are digests, numbers and base64, which stand for themselves.
  if (PLAIN.test(text)) return `"${text}"`;
  if (!isWellFormed(text)) throw new RangeError('lone surrogate');
  return JSON.stringify(text);
}

const PLAIN = /^[ !#-[\]-~]*$/;

function writeNumber(number) {
  if (!isInteger(number)) throw new RangeError('not an integer of ours');
  return String(number);
}

function writeName(name) {
  if (!isKnown(name)) throw new RangeError('name not ASCII');
  return JSON.stringify(name);
}

const KNOWN = new Set();

/** Whether a name is ASCII. Names repeat: those seen before are remembered, as many as the contracts have. */
function isKnown(name) {
  if (KNOWN.has(name)) return true;
  if (!/^[\x00-\x7f]*$/.test(name)) return false;
  if (KNOWN.size < 500) KNOWN.add(name);
  return true;
}

/** Whether a string has no lone surrogates; older browsers lack String.prototype.isWellFormed. */
export function isWellFormed(text) {
  return !/[\ud800-\udfff]/.test(text.replace(/[\ud800-\udbff][\udc00-\udfff]/g, ''));
}

/** Name the first defect of a text that is not canonical. */
function explain(text) {
  const reader = new Reader(text);
  reader.value(0);
  if (reader.at !== text.length) refuse('json.syntax', 'something stands after the value', { offset: reader.at });
  return refuse('json.not-canonical', 'not canonical JSON (RFC 8785): order, spaces, escapes or a name twice');
}

/** Strict JSON (RFC 8259), read only for its defects: nothing is kept. */
class Reader {
  constructor(text) {
    this.text = text;
    this.at = 0;
  }

  value(depth) {
    this.space();
    const sign = this.text[this.at];
    if (sign === '{' || sign === '[') this.box(sign === '{', depth + 1);
    else if (sign === '"') this.string();
    else if (sign === '-' || (sign >= '0' && sign <= '9')) this.number();
    else this.take(/null|true|false/y, 'not JSON');
    this.space();
  }

  box(named, depth) {
    if (depth > MAX_DEPTH) refuse('json.depth', 'nested too deeply', { limit: MAX_DEPTH });
    const end = named ? '}' : ']';
    this.at += 1;
    this.space();
    if (this.text[this.at] === end) {
      this.at += 1;
      return;
    }
    for (;;) {
      if (named) this.name();
      this.value(depth);
      const sign = this.text[this.at++];
      if (sign === end) return;
      if (sign !== ',') refuse('json.syntax', 'not JSON', { offset: this.at - 1 });
    }
  }

  name() {
    this.space();
    const name = this.string();
      if (!/^[\x00-\x7f]*$/.test(name)) refuse('json.key-not-ascii', 'a member name is not ASCII', { found: name.slice(0, 40) });
    this.space();
    if (this.text[this.at++] !== ':') refuse('json.syntax', 'not JSON', { offset: this.at - 1 });
  }

  string() {
    const start = this.at;
    this.take(/"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y, 'not a JSON string');
    const value = JSON.parse(this.text.slice(start, this.at));
    if (!isWellFormed(value)) refuse('json.syntax', 'a lone surrogate', { offset: start });
    return value;
  }

  number() {
    const found = this.take(/-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/y, 'not a JSON number');
    if (found[1] || found[2]) refuse('json.float', 'a number has a fraction or exponent', { found: found[0].slice(0, 40) });
    const size = BigInt(found[0].replace('-', '').slice(0, 400));
    if (size > BigInt(MAX_SAFE)) refuse('json.integer-range', 'an integer is beyond 2^53 - 1: write it as text');
  }

  take(form, message) {
    form.lastIndex = this.at;
    const found = form.exec(this.text);
    if (!found) refuse('json.syntax', message, { offset: this.at });
    this.at = form.lastIndex;
    return found;
  }

  space() {
    while (' \t\n\r'.includes(this.text[this.at] ?? 'x')) this.at += 1;
  }
}
