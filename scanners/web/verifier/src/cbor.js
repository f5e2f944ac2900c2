// Deterministic CBOR (RFC 8949 section 4.2.1), as much of it as the compact forms have: unsigned integers, byte
// strings, texts, arrays and null, all of definite length in the shortest encoding. Everything else is refused.

import { refuse } from './refusal.js';
import { concat, fromUtf8, utf8 } from './octets.js';

const MAX_DEPTH = 8;
const MAX_ITEMS = 200000;
const fault = (detail, fields) => refuse('cbor.invalid', detail, fields);

/** The value of octets that are exactly one item. */
export function parseCbor(octets) {
  const reader = { octets, at: 0, items: 0 };
  const value = readItem(reader, 1);
  if (reader.at !== octets.length) fault('something stands behind the item', { offset: reader.at });
  return value;
}

function readItem(reader, depth) {
  reader.items += 1;
  if (depth > MAX_DEPTH || reader.items > MAX_ITEMS) fault('too many values, or nested too deeply');
  const first = take(reader, 1)[0];
  if (first === 0xf6) return null;
  const size = readSize(reader, first & 31);
  switch (first >> 5) {
    case 0:
      return size;
    case 2:
      return take(reader, size).slice();
    case 3:
      return fromUtf8(take(reader, size), 'cbor.invalid');
    case 4:
      return readArray(reader, size, depth);
    default:
      return fault('a type that has no place here', { found: first >> 5 });
  }
}

function readArray(reader, size, depth) {
  if (size > reader.octets.length - reader.at) fault('an array longer than the document', { size });
  const values = [];
  for (let place = 0; place < size; place++) values.push(readItem(reader, depth + 1));
  return values;
}

/** The number behind the first octet; only its shortest encoding, and only below 2^53. */
function readSize(reader, short) {
  if (short < 24) return short;
  if (short > 27) fault('a length that is not definite', { found: short });
  const width = 1 << (short - 24);
  const number = take(reader, width).reduce((total, octet) => total * 256 + octet, 0);
  const least = [24, 2 ** 8, 2 ** 16, 2 ** 32][short - 24];
  if (number < least || number > Number.MAX_SAFE_INTEGER) fault('a number not in its shortest form, or beyond 2^53 - 1');
  return number;
}

function take(reader, size) {
  if (size > reader.octets.length - reader.at) fault('the document ends too early', { offset: reader.at });
  reader.at += size;
  return reader.octets.subarray(reader.at - size, reader.at);
}

/** The octets of a value: null, non-negative integers, texts, octets, arrays. */
export function encodeCbor(value) {
  if (value === null) return Uint8Array.of(0xf6);
  if (typeof value === 'number') return head(0, value);
  if (typeof value === 'string') return concat(head(3, utf8(value).length), utf8(value));
  if (value instanceof Uint8Array) return concat(head(2, value.length), value);
  return concat(head(4, value.length), ...value.map(encodeCbor));
}

function head(type, number) {
  const first = type << 5;
  if (number < 24) return Uint8Array.of(first | number);
  const power = number < 2 ** 8 ? 0 : number < 2 ** 16 ? 1 : number < 2 ** 32 ? 2 : 3;
  const octets = new Uint8Array(1 + (1 << power));
  octets[0] = first | (24 + power);
  let rest = number;
  for (let at = octets.length - 1; at > 0; at--) {
    octets[at] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  return octets;
}
