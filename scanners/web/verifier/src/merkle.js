// Merkle trees of RFC 9162 section 2.1 (contracts/specs/merkle.md), and the chain of leaf hashes (chain.md).

import { sha256 } from './sha256.js';
import { refuse } from './refusal.js';
import { concat, same, toHex } from './octets.js';

export const HASH = 32;
export { sha256 };

const node = new Uint8Array(65);
node[0] = 1;

/** SHA-256(0x01 || left || right). */
export function hashNode(left, right) {
  node.set(left, 1);
  node.set(right, 33);
  return sha256(node);
}

/** SHA-256(0x00 || data). */
export function hashLeaf(data) {
  if (data.length >= leaf.length) return sha256(concat(Uint8Array.of(0), data));
  leaf.set(data, 1);
  return sha256(leaf.subarray(0, data.length + 1));
}

// Room for any entry behind its zero octet.
const leaf = new Uint8Array(1 << 16);

/** Roots of the perfect subtrees, largest first: all that appending needs. */
export class CompactRange {
  constructor() {
    this.size = 0;
    this.nodes = [];
  }

  append(leaf) {
    let hash = leaf;
    for (let size = this.size; size % 2 === 1; size = (size - 1) / 2) hash = hashNode(this.nodes.pop(), hash);
    this.nodes.push(hash);
    this.size += 1;
  }

  root() {
    if (!this.nodes.length) return sha256(new Uint8Array(0));
    return this.nodes.slice(0, -1).reduceRight((right, left) => hashNode(left, right), this.nodes.at(-1));
  }
}

export function treeRoot(leaves) {
  const range = new CompactRange();
  for (const leaf of leaves) range.append(leaf);
  return range.root();
}

export function chainOf(leaves) {
  return leaves.reduce((before, leaf) => sha256(concat(Uint8Array.of(2), before, leaf)), new Uint8Array(HASH));
}

const bits = number => number.toString(2).length - (number === 0n ? 1 : 0);
const ones = number => [...number.toString(2)].filter(bit => bit === '1').length;

/** The root that an inclusion path leads to (section 2.1.3.2). Index and size are integers below 2^63, as BigInt. */
export function rootFromInclusion(leaf, index, size, path) {
  if (!(index >= 0n && index < size)) refuse('proof.shape', 'there is no such leaf in a tree of this size', { index, size });
  requireHashes([leaf, ...path]);
  const inner = bits(index ^ (size - 1n));
  const border = ones(index >> BigInt(inner));
  if (path.length !== inner + border) {
    refuse('proof.shape', 'the path has a wrong length', { expected: inner + border, found: path.length });
  }
  return path.reduce((hash, sibling, at) => {
    const right = at >= inner || ((index >> BigInt(at)) & 1n) === 1n;
    return right ? hashNode(sibling, hash) : hashNode(hash, sibling);
  }, leaf);
}

export function verifyInclusion(leaf, index, size, path, root) {
  requireRoot(root, rootFromInclusion(leaf, index, size, path));
}

/** That the tree of `oldSize` is a prefix of that of `newSize` (section 2.1.4.2). */
export function verifyConsistency(oldSize, newSize, oldRoot, newRoot, path) {
  requireHashes([oldRoot, newRoot, ...path]);
  if (oldSize === newSize && oldSize >= 0n) {
    if (path.length) refuse('proof.shape', 'equal sizes have an empty proof', { expected: 0, found: path.length });
    requireRoot(oldRoot, newRoot);
    return;
  }
  if (!(oldSize > 0n && oldSize < newSize)) refuse('proof.shape', 'consistency needs 0 < old size <= new size', { oldSize, newSize });
  const shift = bits(oldSize & -oldSize) - 1;
  const index = oldSize - 1n;
  const inner = bits(index ^ (newSize - 1n));
  const border = ones(index >> BigInt(inner));
  const start = oldSize === 1n << BigInt(shift) ? 0 : 1;
  const wanted = start + inner - shift + border;
  if (path.length !== wanted) refuse('proof.shape', 'the proof has a wrong length', { expected: wanted, found: path.length });
  let before = start ? path[0] : oldRoot;
  let after = before;
  path.slice(start).forEach((sibling, step) => {
    const at = shift + step;
    if (at >= inner || ((index >> BigInt(at)) & 1n) === 1n) {
      before = hashNode(sibling, before);
      after = hashNode(sibling, after);
    } else {
      after = hashNode(after, sibling);
    }
  });
  requireRoot(oldRoot, before);
  requireRoot(newRoot, after);
}

export function requireRoot(expected, computed) {
  if (!same(expected, computed)) {
    refuse('proof.root-mismatch', 'the proof leads to another root', { expected: toHex(expected), computed: toHex(computed) });
  }
}

function requireHashes(hashes) {
  for (const hash of hashes) {
    if (hash.length !== HASH) refuse('proof.shape', 'every hash has 32 bytes', { expected: HASH, found: hash.length });
  }
}
