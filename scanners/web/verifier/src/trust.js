// The trust file: what a verifier pins before it looks at any bundle (contracts/specs/trust.md).

import { hasMembers } from './entry.js';
import { LOG_KEY, parseVkey } from './note.js';
import { parseCanonical } from './canonical.js';
import { parsePolicy } from './policy.js';
import { refuse } from './refusal.js';
import { isHex32 } from './octets.js';

const MAX_TRUST = 256 * 1024;
const MEMBERS = ['authority', 'log', 'max_age_s', 'mirrors', 'origin', 'policy', 'typ'];
const TEN_YEARS_S = 10 * 366 * 86400;

const fault = (detail, fields) => refuse('trust.format', detail, fields);
const isText = (value, least, most) => typeof value === 'string' && value.length >= least && value.length <= most;

/** What is pinned, with the log's key and the policy read. One newline behind the document is allowed. */
export function parseTrust(octets) {
  if (octets.length > MAX_TRUST) fault('the trust file is too large', { size: octets.length, limit: MAX_TRUST });
  const body = octets.at(-1) === 0x0a ? octets.subarray(0, -1) : octets;
  const trust = parseCanonical(body, MAX_TRUST);
  const check = (good, field) => good || fault(`not a trust file: ${field}`, { field });
  check(hasMembers(trust, MEMBERS), 'members');
  check(isHex32(trust.authority), 'authority');
  check(isText(trust.log, 0, 400), 'log');
  check(trust.max_age_s === null || (Number.isSafeInteger(trust.max_age_s) && trust.max_age_s >= 1 && trust.max_age_s <= TEN_YEARS_S), 'max_age_s');
  check(Array.isArray(trust.mirrors) && trust.mirrors.length <= 32 && trust.mirrors.every(name => isText(name, 1, 200)), 'mirrors');
  check(isText(trust.origin, 1, 200), 'origin');
  check(trust.policy === null || isText(trust.policy, 1, 200000), 'policy');
  check(trust.typ === 'chemtrace/trust/1', 'typ');
  const log = parseVkey(trust.log, LOG_KEY);
  const policy = trust.policy === null ? null : parsePolicy(trust.policy);
  checkTogether(trust, log, policy);
  return { ...trust, logKey: log, witnesses: policy };
}

function checkTogether(trust, log, policy) {
  if (log.name !== trust.origin) fault("the name of the log's key is the origin", { expected: trust.origin, found: log.name });
  if (new Set(trust.mirrors).size !== trust.mirrors.length) fault('mirrors names one twice');
  const names = new Set((policy?.witnesses ?? []).map(witness => witness.name));
  if (trust.mirrors.some(name => !names.has(name))) fault('mirrors are witnesses of the policy');
  if (policy?.logs.length && !policy.logs.some(one => one.name === trust.origin && one.hash === log.hash)) {
    fault('the policy names logs, but not this one', { origin: trust.origin });
  }
}
