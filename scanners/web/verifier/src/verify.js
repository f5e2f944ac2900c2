// The one entry: octets and what is pinned in, a whole verdict or one refusal out (contracts/specs/bundle.md,
// status.md). Steps and codes are those of the ledger's own verifier.

import { epochEntry, parseEpoch } from './entry.js';
import { checkLeaves, checkSections, readHistory, readPayload } from './histories.js';
import { kindOf, parseBundle, parseStatus, rangeOf } from './forms.js';
import { encodePae, lendPae, parseSpki, Signatures } from './keys.js';
import { checkSigners, readKeys } from './keyring.js';
import { encodeMapValue, verifyMapValue } from './map.js';
import { hashLeaf, verifyInclusion } from './merkle.js';
import { sameKey, verifyCosignature, verifyLogLine } from './note.js';
import { Pace } from './pace.js';
import { describe, isSatisfied } from './policy.js';
import { refuse } from './refusal.js';
import { isItem } from './subjects.js';
import { fromBase64url, fromHex, fromUtf8, same } from './octets.js';

const HEADER_TYPE = 'application/vnd.chemtrace.header+json';

/**
 * Verify a bundle or a status proof, told apart by their first byte.
 *
 * `trust` is what `parseTrust` returned; `now` the time in microseconds (BigInt), or null without a clock to rely on.
 * `onProgress(done, all)` is told of events read, then of signatures checked. Rejects with a `Refusal`.
 */
export async function verify(octets, trust, { now = null, signatures = new Signatures(), onProgress = () => {} } = {}) {
  const given = { trust, now, signatures, onProgress };
  return kindOf(octets) === 'status' ? verifyStatus(octets, given) : verifyBundle(octets, given);
}

export async function verifyBundle(octets, given) {
  const bundle = parseBundle(octets);
  const cosigned = await checkNote(bundle, given);
  const record = checkRecord(bundle);
  const records = [...checkTicks(bundle), record];
  const pace = new Pace(given.onProgress);
  const onEvent = await startSignatures(bundle, pace, given.signatures);
  const [root, size] = [fromHex(record.map_root), Number(bundle.checkpoint.size)];
  const sections = [];
  for (const section of bundle.sections) sections.push(await readHistory(section, root, size, onEvent));
  checkLeaves(sections);
  sections.forEach(({ events }) => events.forEach(readPayload));
  checkSections(sections);
  const keys = readKeys(sections);
  checkSigners(sections, keys, given.trust.authority, records);
  await checkSignatures(sections, keys, pace, given.signatures);
  const verdict = judge({ authentic: 'yes', subject: sections[0].subject, record, cosigned, ...given });
  const hidden = sections.some(({ events }) => events.some(({ said }) => said === null));
  if (hidden) verdict.notChecked.push('payloads');
  if (sections.some(hidesContainer)) verdict.notChecked.push('containers');
  return finish({ ...verdict, kind: 'bundle', bundle, sections, keys }, given);
}

const hidesContainer = ({ subject, events }) =>
  isItem(subject) && events.some(({ header, said }) => header.kind === 'pack' && header.phase === 'done' && said === null);

export async function verifyStatus(octets, given) {
  const status = parseStatus(octets);
  const cosigned = await checkNote(status, given);
  const record = checkRecord(status);
  const { subject, count, root, last, map, checkpoint } = status;
  if (BigInt(last) > checkpoint.size - 2n) refuse('bundle.order', 'the last event stands before the epoch record', { last });
  verifyMapValue(fromHex(record.map_root), subject, encodeMapValue(count, root, last), map);
  const verdict = judge({ authentic: 'not_said', subject, record, cosigned, ...given });
  verdict.notChecked.push('events');
  return finish({ ...verdict, kind: 'status', status, count, last }, given);
}

/** Step 2: the log has signed, every other line is a witness's of the policy, and the quorum is met. */
async function checkNote({ note, checkpoint }, { trust, signatures }) {
  if (checkpoint.origin !== trust.origin) {
    refuse('checkpoint.invalid', 'this checkpoint is of another log', { expected: trust.origin, found: checkpoint.origin });
  }
  const seen = new Set();
  const cosigned = [];
  let signed = false;
  for (const line of note.lines) {
    const name = `${line.name}+${line.hash}`;
    if (seen.has(name)) refuse('bundle.format', 'a key has signed twice', { name });
    seen.add(name);
    const witness = trust.witnesses?.witnesses.find(one => sameKey(line, one.verifier));
    if (sameKey(line, trust.logKey)) {
      await verifyLogLine(trust.logKey, note.text, line, signatures);
      signed = true;
    } else if (witness) {
      cosigned.push({ name: witness.name, time: await verifyCosignature(witness.verifier, note.text, line, signatures) });
    } else {
      refuse('bundle.signature-unneeded', 'a signature that the policy does not need', { name });
    }
  }
  if (!signed) refuse('note.signature', 'the log has not signed this checkpoint', { expected: trust.log });
  checkQuorum(trust, cosigned);
  return cosigned;
}

function checkQuorum({ witnesses }, cosigned) {
  const names = new Set(cosigned.map(({ name }) => name));
  if (witnesses && !isSatisfied(witnesses, names)) {
    refuse('policy.unmet', 'the witnesses that the policy asks for have not cosigned', {
      expected: describe(witnesses),
      found: [...names],
    });
  }
}

/** Step 3: the epoch record is the last leaf of the signed tree. */
function checkRecord({ record: octets, path, checkpoint }) {
  const record = readRecord(octets, checkpoint.size - 1n, path, checkpoint);
  if (record.map_root === null) refuse('map.proof', 'this log has no map of subjects yet');
  return record;
}

function readRecord(octets, index, path, { size, root }) {
  const record = parseEpoch(octets);
  const wanted = rangeOf(record.previous, Number(index) + 1);
  const forward = record.previous !== null && BigInt(record.previous) >= index;
  if (record.first !== wanted.first || record.last !== wanted.last || forward) {
    refuse('evidence.epoch', 'the epoch record does not close the entries before it', { expected: wanted, first: record.first, last: record.last });
  }
  verifyInclusion(hashLeaf(epochEntry(octets)), index, size, path, root);
  return { ...record, index: Number(index) };
}

function checkTicks({ ticks, checkpoint }) {
  let before = -1;
  return ticks.map(({ index, record, path }) => {
    if (index <= before || BigInt(index) >= checkpoint.size - 1n) refuse('bundle.order', 'epoch records stand in the order of the log', { index });
    before = index;
    return readRecord(record, BigInt(index), path, checkpoint);
  });
}

/** Step 9: every signature of every event, an entry that stands in two sections once. */
async function checkSignatures(sections, keys, pace, signatures) {
  const events = new Map();
  for (const { events: shown } of sections) for (const event of shown) events.set(event.index, event);
  const work = [...events.values()].flatMap(event => event.signatures.map(([kid], place) => ({ event, place, key: keys.get(kid).key })));
  for (let at = 0; at < work.length; at += LOT) {
    if (pace.isDue()) await pace.rest(at, work.length);
    const lot = work.slice(at, at + LOT);
    const answers = await Promise.all(lot.map(one => checkSignature(one, signatures)));
    const wrong = lot.find((_, place) => answers[place] !== true);
    if (wrong) {
      const { event, key } = wrong;
      refuse('signature.invalid', `the ${key.alg} signature does not verify`, { index: event.index, kid: key.kid });
    }
  }
}

const LOT = 128;

/** Whether one signature holds; the answer of the head start where that had the right key. */
function checkSignature({ event, place, key }, signatures) {
  const early = event.early?.[place];
  if (early && early.key === key && early.begun !== null) return early.begun;
  return signatures.holds(key, encodePae(HEADER_TYPE, event.bytes), event.signatures[place][1]);
}

/**
 * A head start for step 9: the browser checks signatures, some in threads of their own, while histories are still read.
 * The keys are guessed from what their sections show; whether a guess was right is known at step 9, which checks again
 * what was not. The function returned takes each event as it is read, and answers with a promise when a rest is due.
 */
async function startSignatures({ sections }, pace, signatures) {
  const keys = new Map(sections.flatMap(guessKey));
  await signatures.prepare(keys.values());
  const all = sections.reduce((sum, { entries }) => sum + entries.length, 0);
  const seen = new Map();
  let done = 0;
  return event => {
    const twin = seen.get(event.index);
    event.early = twin && same(twin.leaf, event.leaf) ? twin.early : startEvent(event, keys, signatures);
    seen.set(event.index, event);
    done += 1;
    return pace.isDue() ? pace.rest(done, all) : null;
  };
}

function startEvent({ bytes, signatures: signed }, keys, signatures) {
  const message = lendPae(HEADER_TYPE, bytes);
  return signed.map(([kid, signature]) => {
    const key = keys.get(kid);
    return key ? { key, begun: signatures.start(key, message, signature) } : null;
  });
}

function guessKey({ subject, entries }) {
  const kid = subject.startsWith('key:') ? subject.slice(4) : null;
  for (const { payload } of kid ? entries : []) {
    try {
      const { spki, sm2_id: sm2Id } = JSON.parse(fromUtf8(payload, 'payload.invalid'));
      const key = parseSpki(fromBase64url(spki), sm2Id ?? '');
      if (key.kid === kid) return [[kid, key]];
    } catch {
      // what is wrong with it is said in its own step
    }
  }
  return [];
}

/** How far a mirror's clock may be ahead of this device's (microseconds): more, and its time does not count. */
const CLOCK_SLACK = 300000000n;

/** Step 10 and the four statements. Times are microseconds (BigInt). */
function judge({ authentic, subject, record, cosigned, trust, now }) {
  const timed = cosigned
    .filter(({ name, time }) => time > 0n && trust.mirrors.includes(name))
    .map(({ name, time }) => ({ name, time: time * 1000000n }));
  const isAhead = ({ time }) => now !== null && time > now + CLOCK_SLACK;
  const [mirrors, ahead] = [timed.filter(one => !isAhead(one)), timed.filter(isAhead)];
  const newest = mirrors.reduce((latest, { time }) => (latest === null || time > latest ? time : latest), null);
  const time = newest ?? record.us;
  if (now !== null && trust.max_age_s !== null && now - time > BigInt(trust.max_age_s) * 1000000n) {
    refuse('bundle.stale', 'the proof is older than the trust file accepts', { time, now, limit_s: trust.max_age_s });
  }
  return {
    subject,
    authentic,
    included: 'yes',
    complete: mirrors.length ? 'yes' : 'as_operator_states',
    current: newest === null ? 'as_operator_states' : 'as_of',
    time,
    logTime: record.us,
    mirrors,
    ahead,
    witnesses: cosigned,
    notChecked: ['truth', 'later', 'rules'],
  };
}

function finish(verdict, { trust, now }) {
  const unaged = now === null || trust.max_age_s === null;
  const clock = verdict.ahead.length ? ['mirror-clock'] : [];
  const more = [...(verdict.mirrors.length ? [] : ['mirror']), ...clock, ...(unaged ? ['age'] : [])];
  return { ...verdict, notChecked: [...verdict.notChecked, ...more] };
}
