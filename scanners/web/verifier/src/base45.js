// Base45 (RFC 9285), strictly: its 45 signs, groups of three or a last one of two, no value beyond its octets.

import { refuse } from './refusal.js';

const SIGNS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:';

export function decodeBase45(text) {
  if (text.length % 3 === 1) refuse('base45.invalid', 'one sign is missing or too many', { size: text.length });
  const octets = [];
  for (let at = 0; at < text.length; at += 3) {
    const group = [...text.slice(at, at + 3)].map(sign => SIGNS.indexOf(sign));
    if (group.includes(-1)) refuse('base45.invalid', 'a sign that base45 does not have', { offset: at });
    const value = group[0] + 45 * group[1] + 2025 * (group[2] ?? 0);
    if (value > (group.length === 3 ? 0xffff : 0xff)) refuse('base45.invalid', 'a group beyond its bytes', { offset: at });
    if (group.length === 3) octets.push(value >> 8);
    octets.push(value & 0xff);
  }
  return Uint8Array.from(octets);
}

export function encodeBase45(octets) {
  let text = '';
  for (let at = 0; at < octets.length; at += 2) {
    const pair = at + 1 < octets.length;
    const value = pair ? octets[at] * 256 + octets[at + 1] : octets[at];
    text += SIGNS[value % 45] + SIGNS[Math.floor(value / 45) % 45] + (pair ? SIGNS[Math.floor(value / 2025)] : '');
  }
  return text;
}
