// SM3 (GB/T 32905-2016): no browser has it. Z and messages here are short, so plain code is fast enough.

const START = [0x7380166f, 0x4914b2b9, 0x172442d7, 0xda8a0600, 0xa96f30bc, 0x163138aa, 0xe38dee4d, 0xb0fb0e4e];

const turn = (word, by) => (word << by % 32) | (by % 32 ? word >>> (32 - (by % 32)) : 0);
const mixP0 = word => word ^ turn(word, 9) ^ turn(word, 17);
const mixP1 = word => word ^ turn(word, 15) ^ turn(word, 23);

/** The 32-octet digest of `data`. */
export function sm3(data) {
  const state = Int32Array.from(START);
  const blocks = padded(data);
  for (let at = 0; at < blocks.byteLength; at += 64) compress(state, blocks, at);
  const digest = new Uint8Array(32);
  state.forEach((word, at) => new DataView(digest.buffer).setInt32(4 * at, word));
  return digest;
}

function padded(data) {
  const whole = new Uint8Array(Math.ceil((data.length + 9) / 64) * 64);
  whole.set(data);
  whole[data.length] = 0x80;
  new DataView(whole.buffer).setBigUint64(whole.length - 8, BigInt(data.length) * 8n);
  return new DataView(whole.buffer);
}

function expand(blocks, at) {
  const words = new Int32Array(68);
  for (let j = 0; j < 16; j++) words[j] = blocks.getInt32(at + 4 * j);
  for (let j = 16; j < 68; j++) {
    words[j] = mixP1(words[j - 16] ^ words[j - 9] ^ turn(words[j - 3], 15)) ^ turn(words[j - 13], 7) ^ words[j - 6];
  }
  return words;
}

function compress(state, blocks, at) {
  const words = expand(blocks, at);
  let [a, b, c, d, e, f, g, h] = state;
  for (let j = 0; j < 64; j++) {
    const early = j < 16;
    const ss1 = turn((turn(a, 12) + e + turn(early ? 0x79cc4519 : 0x7a879d8a, j)) | 0, 7);
    const ss2 = ss1 ^ turn(a, 12);
    const tt1 = ((early ? a ^ b ^ c : (a & b) | (a & c) | (b & c)) + d + ss2 + (words[j] ^ words[j + 4])) | 0;
    const tt2 = ((early ? e ^ f ^ g : (e & f) | (~e & g)) + h + ss1 + words[j]) | 0;
    [a, b, c, d, e, f, g, h] = [tt1, a, turn(b, 9), c, mixP0(tt2), e, turn(f, 19), g];
  }
  [a, b, c, d, e, f, g, h].forEach((word, place) => {
    state[place] ^= word;
  });
}
