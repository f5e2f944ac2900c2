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
import { encodeCheckpoint, encodeNote, encodeTlogProof, parseCheckpoint, parseNote, parseTlogProof } from './note.js';
import { refuse } from './refusal.js';
import { checkSubject } from './subjects.js';
import { formatTime, parseTime } from './times.js';
import { compare, concat, Decoder, fromHex, fromUtf8, toHex, utf8 } from './octets.js';

export const MAX_BUNDLE = 8 * 1024 * 1024;
export const MAX_STATUS = 64 * 1024;
const MAX_SECTIONS = 1024;
const MAX_ENTRIES = 20000;
const MAX_TICKS = 2048;
const MAX_PATH = 64;
const MAX_QR = 4296;
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
  return readQr(octets);
}

function readQr(octets) {
  if (octets.length > MAX_QR) fault('longer than any QR code', { size: octets.length, limit: MAX_QR });
  const status = checkStatus(readCompactStatus(decodeBase45(fromUtf8(octets.subarray(QR_MARK.length), 'base45.invalid'))));
  if (status.note.lines.some(({ signature }) => signature.length !== 64 && signature.length !== 72)) {
    fault('a QR code carries Ed25519 signatures only');
  }
  return status;
}

// --- text form

function readTextBundle(octets) {
  const wire = parseCanonical(octets, MAX_BUNDLE);
  check(hasMembers(wire, ['proof', 'record', 'sections', 'subject', 'ticks', 'typ']), 'members');
  check(wire.typ === 'chemtrace/bundle/1', 'typ');
  check(isListOf(wire.sections, 1, MAX_SECTIONS), 'sections');
  check(isListOf(wire.ticks, 0, MAX_TICKS), 'ticks');
  const ticks = wire.ticks.map(readTextTick);
  const shapes = wire.sections.map(readTextSection);
  const proof = readProof(wire);
  const decoder = new Decoder(shapes.reduce((signs, section) => signs + section.signs, 0));
  const sections = shapes.map(({ subject, map, entries }) => ({
    subject,
    map,
    entries: entries.map(entry => readTextEntry(entry, decoder)),
  }));
  check(sections[0].subject === wire.subject, 'subject');
  return { ...proof, sections, ticks };
}

function readProof(wire) {
  check(typeof wire.proof === 'string', 'proof');
  check(typeof wire.record === 'string', 'record');
  const { index, path, note } = parseTlogProof(utf8(wire.proof));
  check(encodeTlogProof({ index, path, note }) === wire.proof, 'proof');
  const checkpoint = parseCheckpoint(note.text);
  if (index !== checkpoint.size - 1n) fault('the proof is not of the last leaf', { index, size: checkpoint.size });
  return { note, checkpoint, path, record: utf8(wire.record) };
}

function readTextSection(wire) {
  check(hasMembers(wire, ['entries', 'map', 'subject']), 'section');
  check(typeof wire.subject === 'string', 'subject');
  check(isListOf(wire.entries, 1, MAX_ENTRIES), 'entries');
  const signs = wire.entries.reduce((sum, entry) => sum + checkTextEntry(entry), 0);
  return { subject: wire.subject, map: readTextMap(wire.map), entries: wire.entries, signs };
}

/** The signs of base64 that an entry has. */
function checkTextEntry(wire) {
  check(hasMembers(wire, ['entry', 'index', 'payload']), 'entry');
  check(isCount(wire.index), 'index');
  check(typeof wire.entry === 'string', 'entry');
  check(wire.payload === null || typeof wire.payload === 'string', 'payload');
  return wire.entry.length + (wire.payload?.length ?? 0);
}

function readTextEntry(wire, decoder) {
  return {
    index: wire.index,
    entry: decoder.take(wire.entry),
    payload: wire.payload === null ? null : decoder.take(wire.payload),
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
  const shape = { subject, count, last, root: readHash(wire.root), map: readTextMap(wire.map) };
  return { ...readProof(wire), ...shape };
}

// --- compact form

const wants = (good, what) => good || refuse('cbor.invalid', `not of the form: ${what}`, { field: what });
const isTuple = (value, size) => Array.isArray(value) && value.length === size;

function readCompactBundle(octets) {
  const wire = parseCbor(octets);
  wants(isTuple(wire, 8), 'bundle');
  check(wire[0] === 'ctb1', 'typ');
  const [, origin, size, lines, epoch, path, ticks, sections] = wire;
  wants(Array.isArray(ticks) && Array.isArray(sections), 'sections');
  const shown = sections.map(readCompactSection);
  const [first] = shown;
  check(first && first.entries.length > 0, 'sections');
  const root = subjectRoot(first.entries.map(({ index, entry }) => [index, hashLeaf(entry)]));
  const value = encodeMapValue(first.entries.length, root, first.entries.at(-1).index);
  return { ...rebuild(origin, size, lines, epoch, path, first, value), ticks: ticks.map(readCompactTick), sections: shown };
}

function readCompactStatus(octets) {
  const wire = parseCbor(octets);
  wants(isTuple(wire, 11), 'status');
  check(wire[0] === 'cts1', 'typ');
  const [, origin, size, lines, epoch, path, subject, count, root, last, map] = wire;
  wants(typeof subject === 'string', 'subject');
  wants(isCount(count) && isCount(last), 'count');
  wants(isOctets(root) && root.length === 32, 'root');
  const section = { subject, map: readCompactMap(map) };
  const value = encodeMapValue(count, root, last);
  return { ...rebuild(origin, size, lines, epoch, path, section, value), subject, count, root, last, map: section.map };
}

const isOctets = value => value instanceof Uint8Array;

function readCompactSection(wire) {
  wants(isTuple(wire, 3) && typeof wire[0] === 'string' && Array.isArray(wire[2]), 'section');
  return { subject: wire[0], map: readCompactMap(wire[1]), entries: wire[2].map(readCompactEntry) };
}

function readCompactEntry(wire) {
  wants(isTuple(wire, 3) && isCount(wire[0]) && isOctets(wire[1]), 'entry');
  wants(wire[2] === null || isOctets(wire[2]), 'payload');
  return { index: wire[0], entry: wire[1], payload: wire[2] };
}

function readCompactMap(wire) {
  wants(isTuple(wire, 3) && isCount(wire[0]) && isOctets(wire[1]), 'map');
  return { depth: wire[0], bitmap: wire[1], siblings: readHashes(wire[2]) };
}

function readHashes(octets) {
  wants(isOctets(octets) && octets.length % 32 === 0, 'hashes');
  return Array.from({ length: octets.length / 32 }, (_, at) => octets.slice(32 * at, 32 * at + 32));
}

function readCompactTick(wire) {
  wants(isTuple(wire, 3) && isCount(wire[0]) && isOctets(wire[1]), 'tick');
  return { index: wire[0], record: wire[1], path: readHashes(wire[2]) };
}

/** What the compact form leaves out: record, root and the text that was signed, computed from the rest. */
function rebuild(origin, size, lines, epoch, pathOctets, { subject, map }, value) {
  wants(typeof origin === 'string', 'origin');
  wants(isCount(size), 'size');
  wants(isTuple(epoch, 5) && Array.isArray(lines), 'epoch');
  const record = rebuildRecord(epoch, size, rootFromMapPath(mapKey(subject), value, map));
  const path = readHashes(pathOctets);
  const root = rootFromInclusion(hashLeaf(epochEntry(record)), BigInt(size - 1), BigInt(size), path);
  const text = encodeCheckpoint({ origin, size, root });
  const checkpoint = parseCheckpoint(text);
  const note = parseNote(utf8(encodeNote({ text, lines: lines.map(readLine) })));
  if (checkpoint.origin !== origin || note.text !== text || note.lines.length !== lines.length) {
    fault('origin and names have no line breaks', { origin });
  }
  return { note, checkpoint, record, path };
}

function rebuildRecord([number, us, previous, subjects, chain], size, mapRoot) {
  wants([number, us, subjects].every(isCount) && (previous === null || isCount(previous)), 'epoch');
  wants(isOctets(chain) && chain.length === 32, 'chain');
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
  wants(isTuple(wire, 2) && typeof wire[0] === 'string' && isOctets(wire[1]), 'line');
  if (wire[1].length < 5) refuse('note.format', 'not a signature line');
  return { name: wire[0], hash: toHex(wire[1].subarray(0, 4)), signature: wire[1].subarray(4) };
}

// --- what both forms must keep

function checkBundle(bundle) {
  checkCheckpoint(bundle);
  check(bundle.sections.length <= MAX_SECTIONS, 'sections');
  check(bundle.ticks.length <= MAX_TICKS, 'ticks');
  for (const { subject, entries, map } of bundle.sections) {
    checkSubject(subject);
    check(entries.length > 0 && map.depth <= 256, 'section');
  }
  check([bundle, ...bundle.ticks].every(({ path }) => path.length <= MAX_PATH), 'path');
  const [first, ...others] = bundle.sections.map(section => section.subject);
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
