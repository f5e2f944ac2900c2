// The forms of bundles and status proofs (contracts/specs/bundle.md, status.md): text and compact, both read to the
// same value. Step 1 of verification; what is returned has the right shape, and nothing of it is believed yet.
//
// A bundle: {note, checkpoint, record, path, ticks: [{index, record, path}],
//            sections: [{subject, map: {depth, bitmap, siblings}, entries: [{index, entry, payload}]}]}
// A status proof: {note, checkpoint, record, path, subject, count, root, last, map}

import { parseCanonical, writeCanonical } from './canonical.js';
import { encodeCbor, parseCbor } from './cbor.js';
import { decodeBase45 } from './base45.js';
import { epochEntry, hasMembers } from './entry.js';
import { encodeMapValue, mapKey, rootFromMapPath, subjectRoot } from './map.js';
import { hashLeaf, rootFromInclusion } from './merkle.js';
import { encodeCheckpoint, encodeNote, parseCheckpoint, parseNote, parseTlogProof } from './note.js';
import { refuse } from './refusal.js';
import { checkSubject } from './subjects.js';
import { formatTime, parseTime } from './times.js';
import { compare, concat, fromBase64url, fromHex, fromUtf8, toHex, utf8 } from './octets.js';

export const MAX_BUNDLE = 8 * 1024 * 1024;
export const MAX_STATUS = 64 * 1024;
const MAX_SECTIONS = 1024;
const MAX_ENTRIES = 20000;
const MAX_TICKS = 2048;
const MAX_PATH = 64;
const QR_MARK = 'CTS1:';

const fault = (detail, fields) => refuse('bundle.format', detail, fields);
const check = (good, field) => good || fault(`not of the form: ${field}`, { field });
const isCount = value => Number.isSafeInteger(value) && value >= 0;
const isListOf = (value, least, most) => Array.isArray(value) && value.length >= least && value.length <= most;

/** 'bundle' or 'status': what the octets say they are, by their first byte or mark. */
export function kindOf(octets) {
  if (octets[0] === 0x88) return 'bundle';
  if (octets[0] === 0x8b || isQrText(octets)) return 'status';
  // Members of canonical JSON are sorted: the type of either form is its last member.
  return octets[0] === 0x7b && endsWith(octets, '"typ":"chemtrace/status/1"}') ? 'status' : 'bundle';
}

const startsWith = (octets, text) => [...text].every((sign, at) => octets[at] === sign.charCodeAt(0));
const endsWith = (octets, text) => octets.length >= text.length && startsWith(octets.subarray(octets.length - text.length), text);
const isQrText = octets => startsWith(octets, QR_MARK);

/** The bundle of its octets, of either form. */
export function parseBundle(octets) {
  if (octets.length > MAX_BUNDLE) fault('the bundle is too large', { size: octets.length, limit: MAX_BUNDLE });
  if (octets[0] === 0x7b) return checkBundle(readTextBundle(octets));
  if (octets[0] === 0x88) return checkBundle(readCompactBundle(octets));
  return fault('not a bundle: it begins with { or with byte 88');
}

/** The status proof of its octets: text, compact, or the text of a QR code. */
export function parseStatus(octets) {
  if (octets.length > MAX_STATUS) fault('the status proof is too large', { size: octets.length, limit: MAX_STATUS });
  if (octets[0] === 0x7b) return checkStatus(readTextStatus(octets));
  if (octets[0] === 0x8b) return checkStatus(readCompactStatus(octets));
  if (!isQrText(octets)) return fault('not a status proof: it begins with {, with byte 8b or with CTS1:');
  const inner = decodeBase45(fromUtf8(octets.subarray(QR_MARK.length), 'base45.invalid'));
  if (inner[0] !== 0x8b) fault('the QR code holds no status proof');
  return checkStatus(readCompactStatus(inner));
}

// --- text form

function readTextBundle(octets) {
  const wire = parseCanonical(octets, MAX_BUNDLE);
  check(hasMembers(wire, ['proof', 'record', 'sections', 'subject', 'ticks', 'typ']), 'members');
  check(wire.typ === 'chemtrace/bundle/1', 'typ');
  check(isListOf(wire.sections, 1, MAX_SECTIONS), 'sections');
  check(isListOf(wire.ticks, 0, MAX_TICKS), 'ticks');
  const sections = wire.sections.map(readTextSection);
  check(sections[0].subject === wire.subject, 'subject');
  return { ...readProof(wire), sections, ticks: wire.ticks.map(readTextTick) };
}

function readProof(wire) {
  check(typeof wire.proof === 'string', 'proof');
  check(typeof wire.record === 'string', 'record');
  const { index, path, note } = parseTlogProof(utf8(wire.proof));
  const checkpoint = parseCheckpoint(note.text);
  if (index !== checkpoint.size - 1n) fault('the proof is not of the last leaf', { index, size: checkpoint.size });
  return { note, checkpoint, path, record: utf8(wire.record) };
}

function readTextSection(wire) {
  check(hasMembers(wire, ['entries', 'map', 'subject']), 'section');
  check(typeof wire.subject === 'string', 'subject');
  check(isListOf(wire.entries, 1, MAX_ENTRIES), 'entries');
  return { subject: wire.subject, map: readTextMap(wire.map), entries: wire.entries.map(readTextEntry) };
}

function readTextEntry(wire) {
  check(hasMembers(wire, ['entry', 'index', 'payload']), 'entry');
  check(isCount(wire.index), 'index');
  check(typeof wire.entry === 'string', 'entry');
  check(wire.payload === null || typeof wire.payload === 'string', 'payload');
  return {
    index: wire.index,
    entry: fromBase64url(wire.entry),
    payload: wire.payload === null ? null : fromBase64url(wire.payload),
  };
}

function readTextMap(wire) {
  check(hasMembers(wire, ['bitmap', 'depth', 'siblings']), 'map');
  check(isCount(wire.depth) && wire.depth <= 256, 'depth');
  check(isListOf(wire.siblings, 0, 256), 'siblings');
  return { depth: wire.depth, bitmap: fromHex(wire.bitmap), siblings: wire.siblings.map(readHash) };
}

function readHash(text) {
  const hash = fromHex(text);
  check(hash.length === 32, 'hash');
  return hash;
}

function readTextTick(wire) {
  check(hasMembers(wire, ['index', 'path', 'record']), 'tick');
  check(isCount(wire.index), 'index');
  check(typeof wire.record === 'string', 'record');
  check(isListOf(wire.path, 0, MAX_PATH), 'path');
  return { index: wire.index, record: utf8(wire.record), path: wire.path.map(readHash) };
}

function readTextStatus(octets) {
  const wire = parseCanonical(octets, MAX_STATUS);
  check(hasMembers(wire, ['count', 'last', 'map', 'proof', 'record', 'root', 'subject', 'typ']), 'members');
  check(wire.typ === 'chemtrace/status/1', 'typ');
  check(isCount(wire.count) && isCount(wire.last), 'count');
  check(typeof wire.subject === 'string', 'subject');
  const { subject, count, last } = wire;
  return { ...readProof(wire), subject, count, last, root: readHash(wire.root), map: readTextMap(wire.map) };
}

// --- compact form

function readCompactBundle(octets) {
  const wire = parseCbor(octets);
  check(isListOf(wire, 8, 8) && wire[0] === 'ctb1', 'bundle');
  const [, origin, size, lines, epoch, path, ticks, sections] = wire;
  check(isListOf(ticks, 0, MAX_TICKS), 'ticks');
  check(isListOf(sections, 1, MAX_SECTIONS), 'sections');
  const shown = sections.map(readCompactSection);
  const [first] = shown;
  const root = subjectRoot(first.entries.map(({ index, entry }) => [index, hashLeaf(entry)]));
  const value = encodeMapValue(first.entries.length, root, first.entries.at(-1).index);
  return { ...rebuild(origin, size, lines, epoch, path, first, value), ticks: ticks.map(readCompactTick), sections: shown };
}

function readCompactStatus(octets) {
  const wire = parseCbor(octets);
  check(isListOf(wire, 11, 11) && wire[0] === 'cts1', 'status');
  const [, origin, size, lines, epoch, path, subject, count, root, last, map] = wire;
  check(typeof subject === 'string', 'subject');
  check(isCount(count) && isCount(last), 'count');
  check(isOctets(root) && root.length === 32, 'root');
  const section = { subject, map: readCompactMap(map) };
  const value = encodeMapValue(count, root, last);
  return { ...rebuild(origin, size, lines, epoch, path, section, value), subject, count, root, last, map: section.map };
}

const isOctets = value => value instanceof Uint8Array;

function readCompactSection(wire) {
  check(isListOf(wire, 3, 3) && typeof wire[0] === 'string', 'section');
  check(isListOf(wire[2], 1, MAX_ENTRIES), 'entries');
  return { subject: wire[0], map: readCompactMap(wire[1]), entries: wire[2].map(readCompactEntry) };
}

function readCompactEntry(wire) {
  check(isListOf(wire, 3, 3) && isCount(wire[0]) && isOctets(wire[1]), 'entry');
  check(wire[2] === null || isOctets(wire[2]), 'payload');
  return { index: wire[0], entry: wire[1], payload: wire[2] };
}

function readCompactMap(wire) {
  check(isListOf(wire, 3, 3) && isCount(wire[0]) && wire[0] <= 256 && isOctets(wire[1]), 'map');
  return { depth: wire[0], bitmap: wire[1], siblings: readHashes(wire[2], 256) };
}

function readHashes(octets, limit) {
  check(isOctets(octets) && octets.length % 32 === 0 && octets.length <= limit * 32, 'hashes');
  return Array.from({ length: octets.length / 32 }, (_, at) => octets.slice(32 * at, 32 * at + 32));
}

function readCompactTick(wire) {
  check(isListOf(wire, 3, 3) && isCount(wire[0]) && isOctets(wire[1]), 'tick');
  return { index: wire[0], record: wire[1], path: readHashes(wire[2], MAX_PATH) };
}

/** What the compact form leaves out: record, root and the text that was signed, computed from the rest. */
function rebuild(origin, size, lines, epoch, pathOctets, { subject, map }, value) {
  check(typeof origin === 'string', 'origin');
  check(isCount(size) && size >= 1, 'size');
  check(isListOf(epoch, 5, 5) && isListOf(lines, 0, 100), 'epoch');
  const record = rebuildRecord(epoch, size, rootFromMapPath(mapKey(subject), value, map));
  const path = readHashes(pathOctets, MAX_PATH);
  const root = rootFromInclusion(hashLeaf(epochEntry(record)), BigInt(size - 1), BigInt(size), path);
  const text = encodeCheckpoint({ origin, size, root });
  const note = parseNote(utf8(encodeNote({ text, lines: lines.map(readLine) })));
  return { note, checkpoint: parseCheckpoint(note.text), record, path };
}

function rebuildRecord([number, us, previous, subjects, chain], size, mapRoot) {
  check([number, us, subjects].every(isCount) && (previous === null || isCount(previous)), 'epoch');
  check(isOctets(chain) && chain.length === 32, 'chain');
  const { first, last } = rangeOf(previous, size);
  return utf8(
    writeCanonical({
      chain: toHex(chain),
      first,
      last,
      log_time: formatTime(us),
      map_root: toHex(mapRoot),
      number,
      previous,
      subjects,
      typ: 'chemtrace/epoch/1',
    }),
  );
}

/** The entries that an epoch record at index size - 1 closes. */
export function rangeOf(previous, size) {
  const first = previous === null ? 0 : previous + 1;
  return first > size - 2 ? { first: null, last: null } : { first, last: size - 2 };
}

function readLine(wire) {
  check(isListOf(wire, 2, 2) && typeof wire[0] === 'string' && isOctets(wire[1]), 'line');
  if (wire[1].length < 5) refuse('note.format', 'not a signature line');
  return { name: wire[0], hash: toHex(wire[1].subarray(0, 4)), signature: wire[1].subarray(4) };
}

// --- what both forms must keep

function checkBundle(bundle) {
  checkCheckpoint(bundle);
  const [first, ...others] = bundle.sections.map(section => section.subject);
  bundle.sections.forEach(section => checkSubject(section.subject));
  others.forEach((subject, at) => {
    const rising = at === 0 || compare(utf8(others[at - 1]), utf8(subject)) < 0;
    if (subject === first || !rising) fault('sections stand in rising order of their subject, none twice', { subject });
  });
  const entries = bundle.sections.reduce((sum, section) => sum + section.entries.length, 0);
  if (entries > MAX_ENTRIES) fault('too many entries', { found: entries, limit: MAX_ENTRIES });
  return bundle;
}

function checkStatus(status) {
  checkCheckpoint(status);
  checkSubject(status.subject);
  return status;
}

function checkCheckpoint({ checkpoint }) {
  if (checkpoint.extensions.length) fault('the checkpoint has extension lines', { found: checkpoint.extensions.length });
  if (checkpoint.size < 1n || checkpoint.size > BigInt(Number.MAX_SAFE_INTEGER)) fault('no such size', { size: checkpoint.size });
}

// --- the other way: the compact form of a value, for carrying it on

/** The compact octets of a bundle or status proof that was read. */
export function encodeCompact(value) {
  const { note, checkpoint, record, path } = value;
  const { number, log_time: logTime, previous, subjects, chain } = JSON.parse(fromUtf8(record, 'epoch.format'));
  const lines = note.lines.map(line => [line.name, concat(fromHex(line.hash), line.signature)]);
  const epoch = [number, Number(parseTime(logTime)), previous, subjects, fromHex(chain)];
  const shared = [checkpoint.origin, Number(checkpoint.size), lines, epoch, concat(...path)];
  if (!value.sections) {
    return encodeCbor(['cts1', ...shared, value.subject, value.count, value.root, value.last, compactMap(value.map)]);
  }
  const ticks = value.ticks.map(tick => [tick.index, tick.record, concat(...tick.path)]);
  const sections = value.sections.map(({ subject, map, entries }) => [
    subject,
    compactMap(map),
    entries.map(({ index, entry, payload }) => [index, entry, payload]),
  ]);
  return encodeCbor(['ctb1', ...shared, ticks, sections]);
}

const compactMap = ({ depth, bitmap, siblings }) => [depth, bitmap, concat(...siblings)];
