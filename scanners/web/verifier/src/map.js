// The map of all subjects (contracts/specs/map.md) and the tree of one subject (subject-tree.md).

import { CompactRange, HASH, hashNode, sha256 } from './merkle.js';
import { refuse } from './refusal.js';
import { concat, putU64, same, toHex, u64, utf8 } from './octets.js';

const EMPTY = new Uint8Array(HASH);
const KEY_BITS = 256;
const isEmpty = hash => hash.every(octet => octet === 0);

export const mapKey = subject => sha256(utf8(subject));

/** u64be count || root || u64be last index. */
export function encodeMapValue(count, root, last) {
  if (!(count >= 1 && root.length === HASH && last >= count - 1)) {
    refuse('map.proof', 'no history has this count, root and last index', { count, last });
  }
  return concat(u64(count), root, u64(last));
}

/** The root that a path leads to from the leaf of `key` and the octets of its value. */
export function rootFromMapPath(key, value, path) {
  checkPath(key, path);
  return climb(sha256(concat(Uint8Array.of(0), key, sha256(value))), key, path);
}

export function verifyMapValue(root, subject, value, path) {
  const computed = rootFromMapPath(mapKey(subject), value, path);
  if (!same(root, computed)) {
    refuse('map.proof', 'the path through the map leads to another root', {
      subject,
      expected: toHex(root),
      computed: toHex(computed),
    });
  }
}

/** That the map holds nothing for a subject; `other` is [key, value hash] of the leaf in its place, or null. */
export function verifyMapAbsence(root, subject, path, other) {
  const key = mapKey(subject);
  checkPath(key, path);
  if (other) checkOther(key, other, path.depth);
  const leaf = other ? sha256(concat(Uint8Array.of(0), ...other)) : EMPTY;
  const computed = climb(leaf, key, path);
  if (!same(root, computed)) {
    refuse('map.proof', 'the path through the map leads to another root', { subject, computed: toHex(computed) });
  }
}

function checkOther(key, [otherKey, valueHash], depth) {
  if (otherKey.length !== HASH || valueHash.length !== HASH) refuse('map.proof', 'a leaf has a key and a hash of 32 bytes');
  for (let at = 0; at < depth; at++) {
    if (bit(key, at) !== bit(otherKey, at)) refuse('map.proof', "the leaf shown does not stand where the subject's would");
  }
  if (same(key, otherKey)) refuse('map.proof', "the leaf shown is the subject's own");
}

const bit = (octets, at) => (octets[at >> 3] >> (7 - (at & 7))) & 1;

function climb(leaf, key, path) {
  let hash = leaf;
  let next = 0;
  for (let step = 0; step < path.depth; step++) {
    const sibling = bit(path.bitmap, step) ? path.siblings[next++] : EMPTY;
    hash = bit(key, path.depth - 1 - step) ? hashNode(sibling, hash) : hashNode(hash, sibling);
  }
  return hash;
}

/** A path has one form only: no octet of it may differ and still be taken. */
function checkPath(key, { depth, bitmap, siblings }) {
  if (key.length !== HASH || !(depth >= 0 && depth <= KEY_BITS)) {
    refuse('map.proof', 'a key has 32 bytes and a path up to 256 steps', { depth });
  }
  const flags = Array.from({ length: bitmap.length * 8 }, (_, at) => bit(bitmap, at));
  if (bitmap.length !== Math.ceil(depth / 8) || flags.slice(depth).includes(1)) {
    refuse('map.proof', 'the bitmap has one bit a step and no others', { depth });
  }
  const count = flags.filter(Boolean).length;
  if (siblings.length !== count || siblings.some(sibling => sibling.length !== HASH || isEmpty(sibling))) {
    refuse('map.proof', 'the siblings are not the 32-byte hashes that the bitmap announces', {
      expected: count,
      found: siblings.length,
    });
  }
  if (depth && !flags[0]) refuse('map.proof', 'the lowest sibling of a path is never empty', { depth });
}

/** SHA-256(0x00 || u64be index || log leaf hash). */
export function hashSubjectLeaf(index, leaf) {
  if (leaf.length !== HASH) return sha256(concat(Uint8Array.of(0), u64(index), leaf));
  putU64(subjectLeaf, 1, index);
  subjectLeaf.set(leaf, 9);
  return sha256(subjectLeaf);
}

const subjectLeaf = new Uint8Array(9 + HASH);

/** The root over [index, log leaf hash] pairs; refuses unless the indexes rise. */
export function subjectRoot(leaves) {
  const range = new CompactRange();
  let last = -1;
  for (const [index, leaf] of leaves) {
    if (index <= last) refuse('bundle.order', 'the entries of a subject stand in the order of the log', { index, last });
    range.append(hashSubjectLeaf(index, leaf));
    last = index;
  }
  return range.root();
}
