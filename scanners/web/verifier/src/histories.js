// Steps 4 to 6 of contracts/specs/bundle.md: histories are whole, payloads are those of the headers, and exactly the
// sections stand there that the verdict needs.

import { parseCanonical } from './canonical.js';
import { isObject, parseEntry, parseHeader } from './entry.js';
import { encodeMapValue, mapKey, rootFromMapPath, subjectRoot } from './map.js';
import { sha256 } from './merkle.js';
import { refuse, Refusal } from './refusal.js';
import { checkCode, isItem } from './subjects.js';
import { parseTime } from './times.js';
import { isHex32, same, toHex } from './octets.js';

const MAX_PAYLOAD = 256 * 1024;

/**
 * Step 4: the events of a section, each {index, header, bytes, id, signatures, leaf, payload}; the map commits them.
 * `onEvent` is told of each as soon as it is read; what it answers, if anything, is waited for.
 */
export async function readHistory({ subject, map, entries }, mapRoot, size, onEvent) {
  const events = [];
  const known = new Map();
  let before = -1;
  for (const { index, entry, payload } of entries) {
    if (index <= before || index > size - 2) order('entries stand in the order of the log, before the epoch record', { index, before });
    const event = readEvent(index, entry, payload);
    checkPlace(event, subject, known);
    known.set(event.id, index);
    events.push(event);
    before = index;
    const rest = onEvent(event);
    if (rest) await rest;
  }
  const root = subjectRoot(events.map(({ index, leaf }) => [index, leaf]));
  const value = encodeMapValue(events.length, root, events.at(-1).index);
  const computed = rootFromMapPath(mapKey(subject), value, map);
  if (!same(computed, mapRoot)) {
    refuse('bundle.subject-root', 'the events shown are not those that the map commits', {
      subject,
      expected: toHex(mapRoot),
      computed: toHex(computed),
    });
  }
  return { subject, events };
}

const order = (detail, fields) => refuse('bundle.order', detail, fields);

function readEvent(index, octets, payload) {
  const { header: bytes, signatures, leaf, id } = parseEntry(octets);
  const header = parseHeader(bytes);
  const { signers } = header;
  if (signatures.length !== signers.length || signatures.some(([kid], at) => kid !== signers[at])) {
    const found = signatures.map(([kid]) => kid);
    refuse('signature.count', 'the signatures are not those of the signers', { expected: signers, found });
  }
  return { index, payload, bytes, header, signatures, leaf, id, said: null, early: null };
}

function checkPlace({ header, id, index }, subject, known) {
  const named = header.subjects.find(one => one.id === subject);
  if (!named) order('an event of this history does not name its subject', { index, subject });
  if (known.has(id)) order('an event stands twice in a history', { index });
  if (named.prev !== null && !known.has(named.prev)) {
    refuse('bundle.event-omitted', 'an event names a predecessor that is not here', { index, prev: named.prev });
  }
}

/** One index has one entry, also in two sections. */
export function checkLeaves(sections) {
  const leaves = new Map();
  for (const { events } of sections) {
    for (const { index, leaf } of events) {
      const known = leaves.get(index);
      if (!known) leaves.set(index, leaf);
      else if (!same(known, leaf)) order('two histories show different entries at one index', { index });
    }
  }
}

/** Step 5: `event.said` is the payload as far as a verifier reads it, null where it is not shown. */
export function readPayload(event) {
  event.said = null;
  if (event.payload === null) return;
  const { sha256: digest, size } = event.header.payload;
  const found = toHex(sha256(event.payload));
  if (event.payload.length !== size || found !== digest) {
    refuse('payload.digest-mismatch', 'the payload is not the one that was signed', { index: event.index, expected: digest, found });
  }
  const said = parseCanonical(event.payload, MAX_PAYLOAD);
  const odd = field => refuse('payload.invalid', `the payload's ${field} is not of its form`, { index: event.index, field });
  if (!isObject(said)) odd('value');
  checkMembers(event.header, said, odd);
  event.said = said;
}

const isText = value => typeof value === 'string';
export const has = (said, name) => Object.hasOwn(said, name) && said[name] !== null;

function checkMembers({ kind, phase }, said, odd) {
  const optional = (name, test) => !has(said, name) || test(said[name]) || odd(name);
  optional('on_behalf_of', isText);
  if (kind === 'pack' && phase === 'done') takes(() => checkCode(said.container)) || odd('container');
  if (kind === 'device') optional('kid', isHex32);
  if (kind !== 'key') return;
  for (const [name, test] of Object.entries(KEY_MEMBERS)) test(said[name]) || odd(name);
  optional('replaces', isHex32);
  optional('sm2_id', value => isText(value) && /^[ !#-[\]-~]{0,64}$/.test(value));
  optional('grace_end', value => takes(() => parseTime(value)));
  if (Object.hasOwn(said, 'namespaces')) {
    (Array.isArray(said.namespaces) && said.namespaces.every(isText)) || odd('namespaces');
  }
}

const KEY_MEMBERS = {
  kid: isHex32,
  party: value => isText(value) && /^[0-9A-HJ-NP-RTUWXY]{18}$/.test(value),
  role: value => ['authority', 'recovery', 'enterprise', 'device', 'log', 'receipt'].includes(value),
  algorithm: value => ['ed25519', 'p256', 'sm2'].includes(value),
  spki: value => isText(value) && /^[A-Za-z0-9_-]{1,16384}$/.test(value),
};

function takes(read) {
  try {
    read();
    return true;
  } catch (error) {
    if (error instanceof Refusal || error instanceof TypeError) return false;
    throw error;
  }
}

export const keySubject = kid => `key:${kid}`;
export const isKeyMatter = ({ header }) => header.kind === 'key' || header.kind === 'device';

/** The registration of the key of a section: its first own key/register whose payload is shown. */
export function registrationOf({ subject, events }) {
  const kid = subject.slice(4);
  return events.find(({ header, said }) => header.kind === 'key' && header.phase === 'register' && said?.kid === kid);
}

/** Step 6: exactly the sections that the rules reach from the first. */
export function checkSections(sections) {
  const shown = new Map(sections.map(section => [section.subject, section]));
  const needed = new Set([sections[0].subject]);
  // A Set may grow while it is walked; what is added is walked too.
  for (const subject of needed) {
    const section = shown.get(subject);
    if (!section) refuse('bundle.section-missing', 'a history that the verdict needs is not in the bundle', { subject });
    for (const next of reaches(section)) needed.add(next);
  }
  const extra = sections.find(({ subject }) => !needed.has(subject));
  if (extra) refuse('bundle.format', 'a history that the verdict does not need', { subject: extra.subject });
  for (const { events } of sections) {
    const hidden = events.find(event => isKeyMatter(event) && !event.said);
    if (hidden) refuse('bundle.section-missing', 'the payload of an event about keys is not shown', { index: hidden.index });
  }
}

function reaches(section) {
  const kids = new Set();
  for (const { header } of section.events) for (const kid of header.signers) kids.add(kid);
  const subjects = [...kids].map(keySubject);
  if (section.subject.startsWith('key:')) {
    const said = registrationOf(section)?.said;
    if (said && ['authority', 'recovery'].includes(said.role) && has(said, 'replaces')) subjects.push(keySubject(said.replaces));
  }
  if (isItem(section.subject)) subjects.push(...containersOf(section));
  return subjects;
}

function containersOf({ subject, events }) {
  const packs = events.filter(({ header, said }) => header.kind === 'pack' && header.phase === 'done' && said);
  return packs.map(({ said }) => said.container).filter(container => container !== subject);
}

