// Entries of the log and their headers (contracts/specs/entry.md, statement.md, epoch.md).

import { parseCanonical } from './canonical.js';
import { hashLeaf, sha256 } from './merkle.js';
import { refuse } from './refusal.js';
import { checkSubject } from './subjects.js';
import { formatTime, parseTime } from './times.js';
import { concat, isHex32, toHex, utf8 } from './octets.js';

const MAX_ENTRY = 0xffff;
const MAX_HEADER = 48 * 1024;
const MAX_PAYLOAD = 256 * 1024;
const MAX_SIGNERS = 8;
const EPOCH_END = utf8(',"typ":"chemtrace/epoch/1"}');

/** Header octets and [kid, signature] pairs of one entry, nothing before or after. */
export function parseEntry(octets) {
  const short = () => refuse('entry.format', 'the entry ends too early', { size: octets.length });
  if (octets.length < 5) short();
  const size = octets[1] * 2 ** 24 + ((octets[2] << 16) | (octets[3] << 8) | octets[4]);
  if (5 + size >= octets.length) short();
  const header = octets.subarray(5, 5 + size);
  const signatures = [];
  let at = 6 + size;
  for (let left = octets[5 + size]; left > 0; left--) {
    if (at + 34 > octets.length) short();
    const end = at + 34 + octets[at + 32] * 256 + octets[at + 33];
    signatures.push([toHex(octets.subarray(at, at + 32)), octets.subarray(at + 34, end)]);
    at = end;
  }
  if (octets[0] !== 1 || at !== octets.length || octets.length > MAX_ENTRY || size > MAX_HEADER) {
    refuse('entry.format', 'not one whole entry of version 1', { version: octets[0], expected: at, found: octets.length });
  }
  checkCount(header, signatures.length);
  return { header, signatures, leaf: hashLeaf(octets), id: toHex(sha256(header)) };
}

function checkCount(header, count) {
  if (count > MAX_SIGNERS || (count > 0) === isEpoch(header)) {
    refuse('entry.format', 'an event has 1 to 8 signatures, an epoch record none', { found: count });
  }
}

export function isEpoch(header) {
  const tail = header.subarray(Math.max(0, header.length - EPOCH_END.length));
  return tail.length === EPOCH_END.length && tail.every((octet, at) => octet === EPOCH_END[at]);
}

/** The entry of an epoch record's header octets. */
export function epochEntry(header) {
  const size = new Uint8Array(4);
  new DataView(size.buffer).setUint32(0, header.length);
  return concat(Uint8Array.of(1), size, header, Uint8Array.of(0));
}

const WORD = /^[a-z][a-z_]{0,31}$/;
const MEMBERS = ['enterprise', 'iat', 'kind', 'payload', 'phase', 'rules', 'signers', 'stance', 'subjects', 'typ'];

/** Whether an object has exactly these members. `wanted` is sorted, as the names of a canonical document are. */
export function hasMembers(value, wanted) {
  if (!isObject(value)) return false;
  const names = Object.keys(value);
  return names.length === wanted.length && names.every((name, at) => name === wanted[at]);
}

export const isObject = value => value !== null && typeof value === 'object' && !Array.isArray(value);
const isCount = (value, least = 0) => Number.isSafeInteger(value) && value >= least;

/** The header of an event: form, canonical spelling, subjects and time. */
export function parseHeader(octets) {
  if (octets.length > MAX_HEADER) refuse('header.too-large', 'the header is too large', { size: octets.length });
  const header = parseCanonical(octets, MAX_HEADER);
  const check = (good, field) => good || refuse('header.invalid', `the header breaks its form: ${field}`, { field });
  check(hasMembers(header, MEMBERS), 'members');
  check(/^[0-9A-HJ-NP-RTUWXY]{18}$/.test(header.enterprise), 'enterprise');
  check(typeof header.iat === 'string' && header.iat.length <= 27, 'iat');
  check(WORD.test(header.kind) && WORD.test(header.phase), 'kind');
  check(isHex32(header.rules), 'rules');
  check(header.stance === 'normal' || header.stance === 'exception', 'stance');
  check(header.typ === 'chemtrace/event/1', 'typ');
  check(isPayloadRef(header.payload), 'payload');
  check(isListOf(header.signers, MAX_SIGNERS, isHex32), 'signers');
  check(isListOf(header.subjects, 256, isSubject), 'subjects');
  check(header.subjects.length === 1 || new Set(header.subjects.map(subject => subject.id)).size === header.subjects.length, 'subjects');
  check(header.signers.length === 1 || new Set(header.signers).size === header.signers.length, 'signers');
  header.subjects.forEach(subject => checkSubject(subject.id));
  check(header.iat.endsWith('Z'), 'iat');
  parseTime(header.iat);
  return header;
}

const isListOf = (value, limit, test) => Array.isArray(value) && value.length >= 1 && value.length <= limit && value.every(test);

function isPayloadRef(value) {
  return (
    hasMembers(value, ['sha256', 'size', 'type']) &&
    isHex32(value.sha256) &&
    isCount(value.size, 2) &&
    value.size <= MAX_PAYLOAD &&
    value.type === 'application/vnd.chemtrace.event+json'
  );
}

function isSubject(value) {
  return hasMembers(value, ['id', 'prev']) && typeof value.id === 'string' && (value.prev === null || isHex32(value.prev));
}

const EPOCH_MEMBERS = ['chain', 'first', 'last', 'log_time', 'map_root', 'number', 'previous', 'subjects', 'typ'];

/** The epoch record of its header octets; `us` is its log time in microseconds. */
export function parseEpoch(octets) {
  const record = parseCanonical(octets, MAX_HEADER);
  const check = (good, field) => good || refuse('epoch.format', `not an epoch record: ${field}`, { field });
  check(hasMembers(record, EPOCH_MEMBERS), 'members');
  check(isHex32(record.chain), 'chain');
  check(record.map_root === null || isHex32(record.map_root), 'map_root');
  for (const field of ['first', 'last', 'previous']) check(record[field] === null || isCount(record[field]), field);
  for (const field of ['number', 'subjects']) check(isCount(record[field]), field);
  check(record.typ === 'chemtrace/epoch/1', 'typ');
  check(typeof record.log_time === 'string' && record.log_time.length <= 27, 'log_time');
  const us = parseTime(record.log_time);
  check(formatTime(us) === record.log_time, 'log_time');
  check((record.first === null) === (record.last === null) && (record.first ?? 0) <= (record.last ?? 0), 'first');
  return { ...record, us };
}
