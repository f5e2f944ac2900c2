// The verdict as people read it: a headline, four statements with sign and words, what was not checked, the history.

import { make } from './dom.js';
import { isItem } from './subjects.js';
import { parseTime } from './times.js';
import { beijing, explainRefusal, isFormCode, kindWord, LANGUAGES, pick, prettyCode, substanceOf, unitWord, word } from './words.js';

const MOST_SHOWN = 200;
const SIGNS = { yes: '\u2713', word: '!', not: '\u2014', bad: '\u2717', old: '\u65e7' };

/** Both languages of a sentence, the reader's first and large. */
export function both(language, sentence) {
  const other = LANGUAGES.find(one => one !== language);
  return [
    make('span', { lang: tagOf(language) }, sentence(language)),
    make('span', { class: 'other', lang: tagOf(other) }, sentence(other)),
  ];
}

const tagOf = language => (language === 'zh' ? 'zh-CN' : 'en');
const nameOf = subject => (isItem(subject) ? prettyCode(subject) : subject);
const moment = (language, us) => word(language, 'time.beijing', { text: beijing(us) });

/** The section for a verdict. `checked` holds {verdict, digest, trust, now, signatures}. */
export function showVerdict(language, checked) {
  const { verdict, trust } = checked;
  const operator = verdict.complete !== 'yes' || verdict.current !== 'as_of';
  const tone = operator || trust.source === 'operator' ? 'word' : 'yes';
  const headline = headlineOf(verdict, trust, operator);
  return make(
    'div',
    { class: `verdict ${tone}`, 'data-verdict': tone },
    showHeadline(language, tone, key => word(key, headline)),
    showSubject(language, verdict),
    make('ul', { class: 'statements' }, statements(language, checked)),
    showNotChecked(language, verdict, trust),
    verdict.kind === 'bundle' ? showHistories(language, verdict) : null,
    showGround(language, checked),
  );
}

function headlineOf(verdict, trust, operator) {
  if (trust.source === 'operator') return 'result.trust';
  if (verdict.kind === 'status') return 'result.status';
  return operator ? 'result.operator' : 'result.good';
}

/** The section for a refusal; `fault` is a `Refusal`. */
export function showRefusal(language, fault) {
  const old = fault.code === 'bundle.stale';
  const tone = old ? 'old' : 'bad';
  const headline = old ? 'result.stale' : fault.code === 'trust.format' ? 'trust.bad' : isFormCode(fault.code) ? 'result.unreadable' : 'result.refused';
  const pair = explainRefusal(fault.code);
  return make(
    'div',
    { class: `verdict ${tone}`, 'data-verdict': tone, 'data-code': fault.code },
    showHeadline(language, tone, key => word(key, headline)),
    make('p', { class: 'reason' }, both(language, key => pick(key, pair))),
    make('p', {}, `${word(language, 'result.code')}: `, make('code', {}, fault.code)),
    make('details', {}, make('summary', {}, word(language, 'result.detail')), make('p', { lang: 'en' }, fault.message), fieldsOf(fault)),
  );
}

function fieldsOf({ fields }) {
  const rows = Object.entries(fields ?? {}).slice(0, 8);
  return make('ul', {}, rows.map(([name, value]) => make('li', {}, `${name}: `, make('code', {}, textOf(value).slice(0, 400)))));
}

function textOf(value) {
  if (typeof value === 'string') return value;
  return JSON.stringify(value, (_, inner) => (typeof inner === 'bigint' ? String(inner) : inner)) ?? '';
}

function showHeadline(language, tone, sentence) {
  return make('h3', { class: 'headline' }, make('span', { class: 'sign', 'aria-hidden': 'true' }, SIGNS[tone]), make('span', {}, both(language, sentence)));
}

function showSubject(language, { subject, kind, count, last }) {
  const substance = isItem(subject) ? substanceOf(subject) : null;
  return make(
    'div',
    { class: 'subject' },
    make('p', { class: 'code' }, nameOf(subject)),
    substance ? make('p', {}, `${substance[0]} ${substance[1]} \u00b7 UN${substance[2]} \u00b7 ${substance[3]}`) : null,
    isItem(subject) ? make('p', { class: 'hint' }, word(language, 'result.compare')) : null,
    kind === 'status' ? make('p', {}, both(language, key => word(key, 'result.events', { count, last }))) : null,
  );
}

const listOf = (language, names) => names.join(language === 'zh' ? '、' : ', ');

function statements(language, { verdict, now }) {
  const mirrors = key => listOf(key, verdict.mirrors.map(({ name }) => name));
  const fields = key => ({ mirrors: mirrors(key), time: moment(key, verdict.time), age: ageOf(key, verdict.time, now) });
  return ['authentic', 'included', 'complete', 'current'].map(name => {
    const value = verdict[name];
    const sentence = name === 'authentic' && value === 'yes' && !verdict.mirrors.length ? 'authentic.yes-by-operator' : `${name}.${value}`;
    const tone = value === 'yes' || value === 'as_of' ? 'yes' : value === 'not_said' ? 'not' : 'word';
    return make(
      'li',
      { class: tone, 'data-statement': name, 'data-value': value },
      make('span', { class: 'sign', 'aria-hidden': 'true' }, SIGNS[tone]),
      make(
        'div',
        {},
        make('h4', {}, both(language, key => word(key, `name.${name}`)), make('span', { class: 'tag' }, word(language, `tag.${tone}`))),
        make('p', {}, both(language, key => word(key, sentence, fields(key)))),
      ),
    );
  });
}

/** How old the proof is by this device's clock; nothing without a clock. */
function ageOf(language, time, now) {
  if (now === null) return '';
  const minutes = Number((now - time) / 60000000n);
  if (minutes < 2) return word(language, 'age.now');
  if (minutes < 120) return word(language, 'age.minutes', { n: minutes });
  if (minutes < 48 * 60) return word(language, 'age.hours', { n: Math.floor(minutes / 60) });
  return word(language, 'age.days', { n: Math.floor(minutes / 1440) });
}

function showNotChecked(language, verdict, trust) {
  // What the ledger has found about an item is in no proof: said right after `truth`, the first thing to look at.
  const [truth, ...rest] = verdict.notChecked;
  const codes = [...(trust.source === 'operator' ? ['trust'] : []), truth, 'alerts', ...rest];
  const ahead = key => listOf(key, verdict.ahead.map(({ name, time }) => `${name} (${moment(key, time)})`));
  const fields = key => ({ time: moment(key, verdict.time), mirrors: ahead(key) });
  const rows = codes.map(code =>
    make('li', { 'data-not-checked': code }, both(language, key => word(key, `not.${code}`, fields(key)))),
  );
  return make('section', { class: 'not-checked' }, make('h4', {}, word(language, 'not.title')), make('ul', {}, rows));
}

function showHistories(language, { sections }) {
  const [first, ...others] = sections;
  return make(
    'section',
    {},
    make('h4', {}, word(language, 'history.title')),
    showHistory(language, first),
    others.length
      ? make('details', {}, make('summary', {}, `${word(language, 'history.others')} (${others.length})`), others.map(section => showOther(language, section)))
      : null,
  );
}

function showOther(language, section) {
  return [make('h5', {}, word(language, 'history.of', { subject: nameOf(section.subject) })), showHistory(language, section)];
}

function showHistory(language, { subject, events }) {
  const rows = events.slice(0, MOST_SHOWN).map(event => showEvent(language, subject, event));
  const rest = events.length - rows.length;
  return [
    make('ol', { class: 'events' }, rows),
    rest > 0 ? make('p', {}, word(language, 'history.more', { count: rest })) : null,
  ];
}

function showEvent(language, subject, { index, header, said }) {
  const at = momentOf(said?.at) ?? parseTime(header.iat);
  const notes = [word(language, 'history.entry', { index })];
  if (header.stance === 'exception') notes.push(word(language, 'history.exception'));
  const facts = said ? factsOf(subject, said).map(([name, value]) => word(language, `fact.${name}`, { value })) : [word(language, 'history.hidden')];
  return make(
    'li',
    {},
    make('b', {}, kindWord(language, header.kind, header.phase)),
    make('span', { class: 'other' }, kindWord(language === 'zh' ? 'en' : 'zh', header.kind, header.phase)),
    make('br'),
    `${moment(language, at)} \u00b7 ${header.enterprise}`,
    make('br'),
    make('span', { class: 'hint' }, [...facts, ...notes].join(' \u00b7 ')),
  );
}

function momentOf(text) {
  try {
    return typeof text === 'string' ? parseTime(text) : null;
  } catch {
    return null;
  }
}

const SIMPLE = ['site', 'counterparty', 'waybill', 'vehicle', 'container', 'result', 'role', 'reason', 'remark', 'note'];

/** What the list tells of a payload: its form was not checked beyond what the verdict needs, so texts only. */
function factsOf(subject, said) {
  const lines = ['items', 'inputs', 'outputs'].flatMap(name => (Array.isArray(said[name]) ? said[name] : []));
  const own = lines.find(line => line?.code === subject)?.quantity;
  const quantity = typeof own?.value === 'string' && typeof own?.unit === 'string' ? [['quantity', `${own.value} ${unitWord(own.unit)}`]] : [];
  const simple = SIMPLE.filter(name => typeof said[name] === 'string' && said[name]).map(name => [name, cleaned(said[name])]);
  return [...quantity, ...simple];
}

/** No marks that turn the direction of text: a page shows what was signed, in the order in which it was signed. */
const cleaned = text => text.replace(/[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, '\ufffd').slice(0, 300);

function showGround(language, { verdict, digest, trust, signatures }) {
  const record = verdict.bundle ?? verdict.status;
  const names = verdict.witnesses.map(({ name, time }) => (time ? `${name} (${beijing(time * 1000000n)})` : name));
  const rows = [
    ['log.origin', trust.origin],
    ['log.size', String(record.checkpoint.size)],
    ['log.time', moment(language, verdict.logTime)],
    ['log.witnesses', names.join(', ') || word(language, 'log.nobody')],
    ['log.signatures', String(signatures)],
    ['log.authority', trust.authority],
    ['log.sha256', digest],
  ];
  return make(
    'section',
    {},
    make('h4', {}, word(language, 'log.title')),
    make('dl', {}, rows.map(([key, value]) => [make('dt', {}, word(language, key)), make('dd', {}, value)])),
  );
}
