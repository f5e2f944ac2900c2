// The page: takes a trust file and a proof by file, paste, photograph or camera, and shows the verdict. Everything
// happens in this page; it has no way to send anything.

import { byId, make, memory } from './dom.js';
import { Signatures } from './keys.js';
import { sha256 } from './merkle.js';
import { Camera, readPicture } from './reader.js';
import { Refusal } from './refusal.js';
import { both, showRefusal, showVerdict } from './result.js';
import { checkCode } from './subjects.js';
import { parseTrust } from './trust.js';
import { verify } from './verify.js';
import { LANGUAGES, prettyCode, word } from './words.js';
import { fromBase64, toBase64, toHex, utf8 } from './octets.js';

const MAX_FILE = 20 * 1024 * 1024;
const THEMES = ['auto', 'light', 'dark'];
const state = { language: firstLanguage(), trust: null, pending: null, shown: null, subject: null, camera: null };
const say = (key, fields) => word(state.language, key, fields);

function firstLanguage() {
  const kept = memory.get('language');
  if (LANGUAGES.includes(kept)) return kept;
  return (navigator.language ?? 'zh').toLowerCase().startsWith('en') ? 'en' : 'zh';
}

// --- trust

/** What is pinned: kept by the reader, else what travels in the page (exported with it, or put there by a server). */
function loadTrust() {
  const slot = byId('trust');
  const sources = [
    ['kept', memory.get('trust')],
    [slot.dataset.source, slot.textContent.trim()],
  ];
  state.trust = null;
  for (const [source, text] of sources) {
    if (!text || state.trust) continue;
    try {
      state.trust = { source, ...parseTrust(fromBase64(text, 'trust.format')) };
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
    }
  }
}

async function takeTrust(octets) {
  try {
    parseTrust(octets);
  } catch (error) {
    show(language => showRefusal(language, asTrustFault(error)));
    return;
  }
  memory.set('trust', toBase64(octets));
  // A browser that keeps nothing still holds it while the page is open.
  state.trust = { source: 'kept', ...parseTrust(octets) };
  showTrust();
  const { pending } = state;
  if (pending) await check(pending);
  else show(null, say('trust.loaded'));
}

/** Show what a trust file pins, and take it only when the reader says where it came from. */
function offerTrust(octets) {
  const build = language => {
    const { origin, authority } = parseTrust(octets);
    return make(
      'div',
      { class: 'verdict word', 'data-offer': 'trust' },
      make('p', { class: 'reason' }, both(language, key => word(key, 'trust.belongs'))),
      make('p', { class: 'reason' }, word(language, 'trust.offer')),
      make('p', { class: 'big' }, word(language, 'trust.have', { origin })),
      make('p', {}, word(language, 'trust.key', { authority })),
      make('button', { type: 'button', click: () => guarded(() => takeTrust(octets)) }, word(language, 'trust.take')),
    );
  };
  try {
    show(build);
  } catch (error) {
    show(language => showRefusal(language, asTrustFault(error)));
  }
}

/** The chooser for trust files takes nothing else. */
async function takeTrustFile(file) {
  if (!file) return;
  const octets = new Uint8Array(await file.slice(0, 300000).arrayBuffer());
  if (isProof(octets)) show(showMisplaced);
  else await takeTrust(octets);
}

/** A proof handed in as the trust file: nothing is wrong with it but the place. */
function showMisplaced(language) {
  const sentence = make('p', { class: 'reason' }, both(language, key => word(key, 'proof.belongs')));
  return make('div', { class: 'verdict word', 'data-misplaced': 'proof' }, sentence);
}

/** Whether octets begin as a proof does: compact, QR text, or the first member of a bundle or status proof. */
function isProof(octets) {
  if (octets[0] === 0x88 || octets[0] === 0x8b) return true;
  return /^(?:CTS1:|\{"proof":|\{"count":)/.test(new TextDecoder().decode(octets.subarray(0, 16)));
}

function asTrustFault(error) {
  return error instanceof Refusal ? new Refusal('trust.format', `${error.code}: ${error.message}`, error.fields) : asFault(error);
}

function forgetTrust() {
  memory.set('trust', null);
  loadTrust();
  showTrust();
  byId('trust-file').focus();
}

function showTrust() {
  const box = byId('trust-box');
  byId('trust-choose').textContent = say(state.trust ? 'trust.other' : 'trust.choose');
  const { trust } = state;
  const mirrors = trust?.mirrors.length ? say('trust.mirrors', { mirrors: trust.mirrors.join(', ') }) : say('trust.no-mirrors');
  box.replaceChildren(
    ...(trust
      ? [
          make('p', { class: 'big' }, say('trust.have', { origin: trust.origin })),
          make('p', { class: `source ${trust.source}` }, say(`trust.${trust.source}`)),
          make(
            'details',
            {},
            make('summary', {}, say('trust.more')),
            make('p', {}, mirrors),
            make('p', {}, say('trust.key', { authority: trust.authority })),
            trust.source === 'kept' ? make('button', { type: 'button', click: forgetTrust }, say('trust.forget')) : null,
          ),
        ]
      : [make('p', { class: 'source none' }, say('trust.none'))]),
  );
}

// --- proofs

/**
 * Whatever was handed in, by its first octets: proof, text of a label, or a trust file. A trust file is never taken on
 * the way of proofs without asking: whoever shows a forged proof would show one with it. `shown` says that a picture
 * or the camera brought it; then it is not even offered.
 */
async function take(octets, shown = false) {
  if (isTrust(octets)) return shown ? show(null, say('trust.shown')) : offerTrust(octets);
  const text = octets.length < 600 && octets[0] < 0x80 ? new TextDecoder().decode(octets) : '';
  if (/BJ1[0-9A-Z]/i.test(text) && octets[0] !== 0x7b && !text.startsWith('CTS1:')) return takeLabel(text);
  if (!state.trust) {
    state.pending = octets;
    return show(null, say('trust.first'));
  }
  return check(octets);
}

const isTrust = octets => octets[0] === 0x7b && octets.length < 300000 && new TextDecoder().decode(octets).trimEnd().endsWith('"typ":"chemtrace/trust/1"}');

/** A label's address or code: compared with what was checked last. */
function takeLabel(text) {
  const found = /BJ1[0-9A-HJ-NP-RTUWXY]{16}/.exec(text.toUpperCase().replace(/[\s-]/g, ''));
  try {
    const code = checkCode(found ? found[0] : '');
    const fields = { code: prettyCode(code), subject: state.subject ? prettyCode(state.subject) : '' };
    const key = !state.subject ? 'label.alone' : state.subject === code ? 'label.same' : 'label.different';
    announce(say(key, fields), key === 'label.different' ? 'bad' : 'plain');
  } catch {
    announce(say('camera.other'), 'bad');
  }
  return null;
}

async function check(octets) {
  state.pending = octets;
  state.subject = null;
  const signatures = new Signatures();
  const now = byId('clock').checked ? BigInt(Date.now()) * 1000n : null;
  show(null, say('work.reading'));
  const onProgress = (done, all) => done < all && announce(say('work.busy', { done, all }));
  try {
    const verdict = await verify(octets, state.trust, { now, signatures, onProgress });
    const checked = { verdict, trust: state.trust, now, digest: toHex(sha256(octets)), signatures: signatures.count };
    state.subject = verdict.subject.includes(':') ? null : verdict.subject;
    show(language => showVerdict(language, checked));
  } catch (error) {
    const fault = asFault(error);
    show(language => showRefusal(language, fault));
  }
}

/** What is no refusal is a fault of this page or browser: it must never look like a verdict. */
function asFault(error) {
  return error instanceof Refusal ? error : new Refusal('page.failed', String(error?.message ?? error));
}

/** Show a section made by `build` (again in the other language on request), or only a message. */
function show(build, message = '') {
  state.shown = build;
  announce(message);
  byId('verdict').replaceChildren(...(build ? [build(state.language)] : []));
  byId('result').hidden = !build && !message;
  if (build) {
    byId('result-title').focus({ preventScroll: true });
    byId('result').scrollIntoView({ block: 'start' });
  }
}

function announce(message, tone = 'plain') {
  const box = byId('message');
  box.textContent = message;
  box.className = `message ${tone}`;
  if (message) byId('result').hidden = false;
}

// --- files, pictures, camera

async function takeFile(file) {
  if (!file) return;
  if (file.size > MAX_FILE) return show(language => showRefusal(language, new Refusal('bundle.format', 'the file is too large')));
  const octets = new Uint8Array(await file.arrayBuffer());
  return isPicture(octets) ? takePicture(file) : take(octets);
}

const PICTURES = [[0xff, 0xd8], [0x89, 0x50, 0x4e, 0x47], [0x52, 0x49, 0x46, 0x46], [0x47, 0x49, 0x46], [0x42, 0x4d]];
const isPicture = octets => PICTURES.some(mark => mark.every((octet, at) => octets[at] === octet)) || isHeic(octets);
const isHeic = octets => [0x66, 0x74, 0x79, 0x70].every((octet, at) => octets[4 + at] === octet);

async function takePicture(file) {
  show(null, say('work.reading'));
  let text;
  try {
    text = await readPicture(file);
  } catch {
    return show(null, say('WebAssembly' in window ? 'camera.nothing' : 'camera.reader'));
  }
  return text === null ? show(null, say('camera.nothing')) : take(utf8(text), true);
}

async function startCamera() {
  const box = byId('camera');
  if (!navigator.mediaDevices?.getUserMedia) return show(null, say('camera.insecure'));
  stopCamera();
  box.hidden = false;
  const camera = new Camera(byId('film'), text => {
    if (!isOurs(text)) {
      announce(say('camera.other'), 'bad');
      return false;
    }
    box.hidden = true;
    guarded(() => take(utf8(text), true));
    return true;
  });
  state.camera = camera;
  byId('camera-stop').focus();
  try {
    await camera.start();
  } catch (error) {
    stopCamera();
    const key = { NotAllowedError: 'denied', NotFoundError: 'none', NotReadableError: 'busy' }[error?.name] ?? 'reader';
    show(null, say(`camera.${key}`));
  }
  return null;
}

const isOurs = text => text.startsWith('CTS1:') || text.startsWith('{') || /BJ1[0-9A-Z]{16}/i.test(text.replace(/[\s-]/g, ''));

function stopCamera() {
  state.camera?.stop();
  state.camera = null;
  byId('camera').hidden = true;
}

// --- the page itself

function applyWords() {
  document.documentElement.lang = state.language === 'zh' ? 'zh-CN' : 'en';
  document.title = `${say('title')} · chemtrace`;
  for (const element of document.querySelectorAll('[data-word]')) element.textContent = say(element.dataset.word);
  for (const element of document.querySelectorAll('[data-name]')) element.setAttribute('aria-label', say(element.dataset.name));
  for (const button of document.querySelectorAll('[data-language]')) {
    button.setAttribute('aria-pressed', String(button.dataset.language === state.language));
  }
  byId('sources').textContent = say('foot.sources', { digest: document.querySelector('meta[name=chemtrace-sources]').content });
  showTrust();
  if (state.shown) byId('verdict').replaceChildren(state.shown(state.language));
}

function setLanguage(language) {
  state.language = language;
  memory.set('language', language);
  announce('');
  applyWords();
}

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  memory.set('theme', theme);
  for (const button of document.querySelectorAll('[data-theme-choice]')) {
    button.setAttribute('aria-pressed', String(button.dataset.themeChoice === theme));
  }
}

function onFile(id, then) {
  byId(id).addEventListener('change', async event => {
    const [file] = event.target.files;
    event.target.value = '';
    await guarded(() => then(file));
  });
}

/** A fault of the page is shown as one; never as nothing. */
async function guarded(work) {
  try {
    await work();
  } catch (error) {
    show(language => showRefusal(language, asFault(error)));
  }
}

export function startPage() {
  onFile('trust-file', takeTrustFile);
  onFile('proof-file', takeFile);
  onFile('proof-photo', file => file && takePicture(file));
  byId('camera-start').addEventListener('click', () => guarded(startCamera));
  byId('camera-stop').addEventListener('click', () => {
    stopCamera();
    byId('camera-start').focus();
  });
  byId('paste').addEventListener('submit', event => {
    event.preventDefault();
    guarded(() => take(utf8(byId('paste-text').value.trim())));
  });
  byId('clock').addEventListener('change', () => state.pending && state.trust && guarded(() => check(state.pending)));
  for (const button of document.querySelectorAll('[data-language]')) button.addEventListener('click', () => setLanguage(button.dataset.language));
  for (const button of document.querySelectorAll('[data-theme-choice]')) button.addEventListener('click', () => setTheme(button.dataset.themeChoice));
  document.addEventListener('dragover', event => event.preventDefault());
  document.addEventListener('drop', event => {
    event.preventDefault();
    guarded(() => takeFile(event.dataTransfer.files[0]));
  });
  document.addEventListener('visibilitychange', () => document.hidden && stopCamera());
  setTheme(THEMES.includes(memory.get('theme')) ? memory.get('theme') : 'auto');
  loadTrust();
  applyWords();
  document.documentElement.dataset.ready = 'yes';
}

