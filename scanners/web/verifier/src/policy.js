// Policies of C2SP tlog-policy: which witnesses count, and how many of them make a checkpoint valid.

import { COSIGNATURE, COSIGNATURE_ML_DSA, LOG_KEY, parseVkey } from './note.js';
import { refuse, Refusal } from './refusal.js';
import { toHex } from './octets.js';

const MAX_TEXT = 262144;
const MAX_DEFINITIONS = 128;
const MAX_WITNESSES = 90;
const NONE = 'none';

/** {logs, witnesses: [{name, verifier}], groups: [{name, threshold, members}], quorum} of a policy's text. */
export function parsePolicy(text) {
  if (text.length > MAX_TEXT) refuse('policy.format', 'the policy is too large', { size: text.length, limit: MAX_TEXT });
  if (!text.endsWith('\n') || /[\x00-\x08\x0b-\x1f\x7f]/.test(text)) {
    refuse('policy.format', 'every line of a policy ends in a newline; tab is the only other control character');
  }
  const reader = new Reader();
  text
    .slice(0, -1)
    .split('\n')
    .forEach((line, at) => {
      const words = line.replace(/^[ \t]+|[ \t]+$/g, '').split(/[ \t]+/);
      if (words[0] && !words[0].startsWith('#')) reader.read(at + 1, words);
    });
  return reader.finish();
}

/** Whether cosignatures of the witnesses with these policy names are enough. */
export const isSatisfied = (policy, names) => cheapest(policy, names) !== null;

/** The smallest part of `names` that satisfies the quorum (ties: file order), or null. Groups never overlap. */
export function cheapest(policy, names) {
  const best = new Map([[NONE, []]]);
  for (const { name } of policy.witnesses) if (names.has(name)) best.set(name, [name]);
  for (const { name, threshold, members } of policy.groups) {
    const ready = members.filter(member => best.has(member)).map(member => best.get(member));
    ready.sort((left, right) => left.length - right.length);
    if (ready.length >= threshold) best.set(name, ready.slice(0, threshold).flat());
  }
  return best.get(policy.quorum) ?? null;
}

/** The quorum written out, such as `2 of (A, B, 1 of (C, D))`. */
export function describe(policy, name = policy.quorum) {
  const group = policy.groups.find(one => one.name === name);
  if (!group) return name;
  return `${group.threshold} of (${group.members.map(member => describe(policy, member)).join(', ')})`;
}

/** Takes the lines of a policy in order and refuses the first that is wrong, by its number. */
class Reader {
  constructor() {
    this.logs = new Map();
    this.witnesses = new Map();
    this.groups = [];
    this.names = new Set();
    this.members = new Set();
    this.quorum = null;
  }

  read(number, [first, ...words]) {
    this.line = number;
    const rows = { log: this.log, witness: this.witness, group: this.group, quorum: this.setQuorum };
    if (!Object.hasOwn(rows, first)) this.fault('a line starts with log, witness, group or quorum');
    rows[first].call(this, words);
    if (this.witnesses.size > MAX_WITNESSES) this.fault('too many witnesses: one note has no room for them all');
    if (Math.max(this.logs.size, this.groups.length) > MAX_DEFINITIONS) this.fault('too many definitions');
  }

  finish() {
    if (this.quorum === null) refuse('policy.format', 'a policy has one quorum line');
    return { logs: [...this.logs.values()], witnesses: [...this.witnesses.values()], groups: this.groups, quorum: this.quorum };
  }

  log(words) {
    if (words.length < 1 || words.length > 2) this.fault('a log line reads: log <vkey> [<url>]');
    const verifier = this.key(words[0], LOG_KEY);
    if (this.logs.has(toHex(verifier.raw))) this.fault('this log key stands on an earlier line');
    this.logs.set(toHex(verifier.raw), verifier);
  }

  witness(words) {
    if (words.length < 2 || words.length > 3) this.fault('a witness line reads: witness <name> <vkey> [<url>]');
    const verifier = this.key(words[1], COSIGNATURE, COSIGNATURE_ML_DSA);
    if (this.witnesses.has(toHex(verifier.raw))) this.fault('this witness key stands on an earlier line');
    this.define(words[0]);
    this.witnesses.set(toHex(verifier.raw), { name: words[0], verifier });
  }

  group(words) {
    if (words.length < 3) this.fault('a group line reads: group <name> all|any|<k> <name>...');
    const [name, rule, ...members] = words;
    for (const member of members) {
      if (!this.names.has(member) || this.members.has(member)) this.fault('a member stands on an earlier line, in one group');
      this.members.add(member);
    }
    const number = /^[1-9][0-9]{0,3}$/.test(rule) ? Number(rule) : 0;
    const threshold = rule === 'all' ? members.length : rule === 'any' ? 1 : number;
    if (threshold < 1 || threshold > members.length) this.fault('a group asks for all, any or 1 to n of its members');
    this.define(name);
    this.groups.push({ name, threshold, members });
  }

  setQuorum(words) {
    if (words.length !== 1 || this.quorum !== null) this.fault('there is one quorum line, and it reads: quorum <name>');
    if (words[0] !== NONE && !this.names.has(words[0])) this.fault('the quorum line names what no earlier line defines');
    this.quorum = words[0];
  }

  define(name) {
    if (name === NONE || this.names.has(name)) this.fault('this name is taken');
    this.names.add(name);
  }

  key(text, ...types) {
    try {
      return parseVkey(text, ...types);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return this.fault(error.message);
    }
  }

  fault(detail) {
    return refuse('policy.format', `policy line ${this.line}: ${detail}`, { line: this.line });
  }
}
