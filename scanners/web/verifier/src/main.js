// What the built page runs. `chemtraceVerifier` lets a test, or another page, use the same verifier without the forms.

import './older.js';
import * as base45 from './base45.js';
import * as canonical from './canonical.js';
import * as cbor from './cbor.js';
import * as entry from './entry.js';
import * as forms from './forms.js';
import * as keys from './keys.js';
import * as map from './map.js';
import * as merkle from './merkle.js';
import * as note from './note.js';
import * as octets from './octets.js';
import * as policy from './policy.js';
import { sm3 } from './sm3.js';
import * as subjects from './subjects.js';
import * as times from './times.js';
import { parseTrust } from './trust.js';
import { verify, verifyBundle, verifyStatus } from './verify.js';
import { explainRefusal, kindWord } from './words.js';
import substances from './substances.json';
import { startPage } from './page.js';

globalThis.chemtraceVerifier = Object.freeze({
  base45, canonical, cbor, entry, forms, keys, map, merkle, note, octets, policy, sm3, subjects, times,
  parseTrust, verify, verifyBundle, verifyStatus, explainRefusal, kindWord, substances,
});

startPage();
