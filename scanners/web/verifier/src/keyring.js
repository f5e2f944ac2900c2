// Steps 7 and 8 of contracts/specs/bundle.md: the life of each key by its own whole history, and whether each signer
// might sign each event at its place in the log.

import { has } from './histories.js';
import { parseSpki } from './keys.js';
import { refuse } from './refusal.js';
import { parseTime } from './times.js';
import { fromBase64url } from './octets.js';

const GRACE_US = 72n * 3600n * 1000000n;
const ROOT_ROLES = ['authority', 'recovery'];
const AUTHORITY_KINDS = ['enterprise', 'site', 'licence', 'key', 'device', 'issue', 'rules', 'erase', 'anchor'];

/** Step 7: key id to record, for each section of a key. */
export function readKeys(sections) {
  const keys = new Map();
  for (const section of sections.filter(({ subject }) => subject.startsWith('key:'))) {
    const record = new KeyLife(section.subject.slice(4));
    section.events.forEach(event => record.take(event));
    keys.set(record.kid, record);
  }
  return keys;
}

/** What a key's history says: registered, replaced, silenced and retired at which index. */
class KeyLife {
  constructor(kid) {
    this.kid = kid;
    this.from = null;
    this.replacedAt = null;
    this.silentAt = null;
    this.retired = null;
  }

  take(event) {
    const { header, said } = event;
    if (header.kind === 'device') this.takeDevice(event);
    if (header.kind !== 'key') return;
    if (header.phase === 'register' && said.kid === this.kid) this.register(event);
    else if (header.phase === 'register' && has(said, 'replaces') && said.replaces === this.kid) this.replace(event);
    else if ((header.phase === 'retire' || header.phase === 'compromised') && said.kid === this.kid) this.end(event);
    else refuse('bundle.order', 'this event is no part of the history of the key', { index: event.index, kid: this.kid });
  }

  takeDevice({ index, header, said }) {
    if (!has(said, 'kid') || said.kid !== this.kid) {
      refuse('bundle.order', 'this event is no part of the history of the key', { index, kid: this.kid });
    }
    if (header.phase === 'revoke') this.silentAt ??= index;
  }

  register({ index, said }) {
    if (this.from !== null) refuse('key.taken', 'this key is registered already', { index, kid: this.kid });
    const key = parseSpki(fromBase64url(said.spki), has(said, 'sm2_id') ? said.sm2_id : '');
    if (key.alg !== said.algorithm || key.kid !== this.kid) {
      refuse('key.spki', 'kid and algorithm must be those of the key', { index, expected: key.kid, found: this.kid });
    }
    this.from = index;
    this.key = key;
    this.party = said.party;
    this.role = said.role;
    this.algorithm = said.algorithm;
    this.namespaces = said.namespaces ?? [];
    this.replaces = has(said, 'replaces') ? said.replaces : null;
  }

  replace({ index, said }) {
    if (this.from === null) refuse('key.unknown', 'a key is replaced that was never registered', { index, kid: this.kid });
    if (!ROOT_ROLES.includes(said.role) || said.role !== this.role) return;
    if (this.replacedAt !== null) refuse('registry.conflict', 'this key was replaced already', { index, kid: this.kid });
    this.replacedAt = index;
  }

  end({ index, header, said }) {
    const conflict = detail => refuse('registry.conflict', detail, { index, kid: this.kid });
    if (this.from === null) refuse('key.unknown', 'no such key is registered', { index, kid: this.kid });
    const fits = said.party === this.party && said.role === this.role && said.algorithm === this.algorithm;
    if (!fits || this.compromised) conflict('this does not fit the record of the key, or the key has ended already');
    if (header.phase === 'compromised') {
      this.compromised = true;
      this.silentAt ??= index;
      return;
    }
    if (this.retired) conflict('this key is retired already');
    const at = parseTime(header.iat);
    const grace = has(said, 'grace_end') ? parseTime(said.grace_end) : at;
    if (grace < at || grace > at + GRACE_US) conflict('the grace of a retired key ends within 72 h');
    this.retired = { index, at, grace };
  }
}

/** Step 8: every signer of every event; `records` are all epoch records shown, each {index, first, last, previous, us}. */
export function checkSigners(sections, keys, authority, records) {
  const office = new Office(keys, authority, records);
  for (const { events } of sections) {
    for (const event of events) {
      if (event.index === 0) office.checkFounder(event);
      else event.header.signers.forEach(kid => office.checkSigner(event, kid));
    }
  }
  const idle = records.slice(0, -1).find(record => !office.used.has(record.index));
  if (idle) refuse('bundle.format', 'an epoch record that the verdict does not need', { index: idle.index });
}

class Office {
  constructor(keys, authority, records) {
    this.keys = keys;
    this.authority = authority;
    this.records = records;
    this.used = new Set();
  }

  checkFounder({ header, said }) {
    const founding = header.kind === 'key' && header.phase === 'register' && said?.kid === this.authority;
    if (!founding || header.signers.join() !== this.authority) {
      refuse('key.role', "entry 0 of the log does not register the pinned authority's key, signed by itself", { expected: this.authority, found: header.signers });
    }
  }

  checkSigner(event, kid) {
    const { index, header } = event;
    const life = this.keys.get(kid);
    const about = { index, kid };
    if (!life || life.from === null) refuse('key.unknown', 'a key signed that was never registered', about);
    if (life.from >= index) refuse('key.before-registration', 'a key signed before it was registered', { ...about, from: life.from });
    if (life.silentAt !== null && life.silentAt < index) {
      refuse('key.revoked', 'a key signed after it was declared compromised, or its device revoked', { ...about, revoked: life.silentAt });
    }
    if (life.retired && life.retired.index < index) this.checkGrace(event, life, about);
    if (header.enterprise !== life.party) {
      refuse('key.foreign', 'the key of one enterprise cannot sign for another', { ...about, owner: life.party, claimed: header.enterprise });
    }
    this.checkRole(event, life, about);
    this.checkNamespace(event, life, about);
  }

  /** Only what was signed before retirement counts, and only until the log time of the grace's end. */
  checkGrace({ index, header }, { retired }, about) {
    const late = () => refuse('key.retired', 'a retired key: only what it signed before counts, until its grace ends', about);
    if (parseTime(header.iat) > retired.at) late();
    const closing = this.records.find(({ first, last }) => first !== null && first <= index && index <= last);
    const before = closing && closing.previous !== null ? this.records.find(one => one.index === closing.previous) : null;
    if (!closing || (closing.previous !== null && !before)) {
      refuse('bundle.section-missing', 'the epoch records around an event of a retired key are not here', about);
    }
    for (const record of [closing, before]) if (record) this.used.add(record.index);
    if ((before?.us ?? 0n) >= retired.grace) late();
  }

  checkRole({ index, header, said }, life, about) {
    const odd = () => refuse('key.role', `this key may not sign ${header.kind}/${header.phase} here`, { ...about, role: life.role });
    if (!AUTHORITY_KINDS.includes(header.kind)) {
      const roles = header.kind === 'alert' ? ['enterprise', 'device', 'authority'] : ['enterprise', 'device'];
      if (!roles.includes(life.role)) odd();
      return;
    }
    const rooted = header.kind === 'key' && index > 1 && ROOT_ROLES.includes(said?.role);
    const role = rooted ? 'recovery' : 'authority';
    if (this.isInForce(life, role, index)) return;
    const detail = `${header.kind}/${header.phase} is signed by a key that, under the pinned authority, is not the ${role} key in force`;
    refuse('key.role', detail, { ...about, role: life.role, expected_role: role, authority: this.authority });
  }

  isInForce(life, role, index) {
    return life.role === role && (life.replacedAt === null || life.replacedAt >= index) && this.isRooted(life, role);
  }

  /** Whether a key comes from the pinned authority key, or from the recovery key registered at index 1. */
  isRooted(life, role) {
    const founder = this.keys.get(this.authority);
    for (let at = life; at; at = this.predecessor(at)) {
      if (at.from === null || at.role !== role || !founder || at.party !== founder.party) return false;
      if (role === 'authority' ? at.kid === this.authority && at.from === 0 : at.from === 1) return true;
    }
    return false;
  }

  /** The key that this one's registration names and that was replaced by it. Indexes fall, so a chain ends. */
  predecessor(life) {
    const before = life.replaces === null ? undefined : this.keys.get(life.replaces);
    return before && before.from !== null && before.from < life.from && before.replacedAt === life.from ? before : null;
  }

  checkNamespace({ said }, life, about) {
    if (!said || !has(said, 'on_behalf_of')) return;
    const parts = said.on_behalf_of.split(':');
    if (parts[0] !== 'ext' || parts.length < 3 || !life.namespaces.includes(parts[1])) {
      refuse('key.foreign', 'this key may not speak for that party', { ...about, claimed: said.on_behalf_of });
    }
  }
}

