// Reading QR codes, in photographs and from the camera, with zxing compiled to WebAssembly. The program travels in this
// page (compressed, base64); it is unpacked at first use.

import { prepareZXingModule, readBarcodes } from 'zxing-wasm/reader';
import { gunzipSync } from 'fflate';
import { byId } from './dom.js';

const OPTIONS = { formats: ['QRCode'], tryHarder: true, tryRotate: true, tryInvert: false, maxNumberOfSymbols: 1 };
const LONGEST = 2600;
let ready = null;

/** Unpack the reader; rejects in a browser that cannot. */
export function prepareReader() {
  ready ??= unpack();
  return ready;
}

async function unpack() {
  if (!('WebAssembly' in window)) throw new TypeError('this browser has no WebAssembly');
  const packed = Uint8Array.from(atob(byId('qr-reader').textContent.trim()), sign => sign.charCodeAt(0));
  // Not the browser's own decompression: half of the phones in use are older than that.
  const wasmBinary = gunzipSync(packed).buffer;
  await prepareZXingModule({ overrides: { wasmBinary }, fireImmediately: true });
}

async function read(image) {
  const [found] = await readBarcodes(image, OPTIONS);
  return found?.isValid ? found.text : null;
}

/** The text of the QR code in a picture file, or null. Tries the picture in several sizes. */
export async function readPicture(file) {
  await prepareReader();
  const picture = await loadPicture(file);
  const longest = Math.max(picture.width, picture.height);
  for (const wanted of [Math.min(longest, LONGEST), Math.min(longest, 1300), Math.min(2 * longest, LONGEST)]) {
    const text = await read(draw(picture, picture.width, picture.height, wanted / longest));
    if (text !== null) return text;
  }
  return null;
}

async function loadPicture(file) {
  if ('createImageBitmap' in window) return createImageBitmap(file);
  const image = new Image();
  image.src = URL.createObjectURL(file);
  await image.decode();
  return image;
}

function draw(picture, width, height, scale) {
  const canvas = document.createElement('canvas');
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  const context = canvas.getContext('2d', { willReadFrequently: true });
  context.imageSmoothingQuality = 'high';
  context.drawImage(picture, 0, 0, canvas.width, canvas.height);
  return context.getImageData(0, 0, canvas.width, canvas.height);
}

/** The camera as a source of texts: every new text goes to `onText` until it answers true, or until `stop`. */
export class Camera {
  constructor(video, onText) {
    this.video = video;
    this.onText = onText;
    this.stream = null;
    this.last = null;
  }

  /** Rejects with the browser's error (NotAllowedError, NotFoundError, NotReadableError) when there is no picture. */
  async start() {
    await prepareReader();
    const wanted = { width: { ideal: 1920 }, height: { ideal: 1080 }, facingMode: { ideal: 'environment' } };
    this.stream = await navigator.mediaDevices.getUserMedia({ video: wanted, audio: false });
    this.video.srcObject = this.stream;
    await this.video.play();
    this.look(0);
  }

  stop() {
    this.stream?.getTracks().forEach(track => track.stop());
    this.stream = null;
    this.video.srcObject = null;
  }

  /** One frame after another; every third miss is looked at in double size. */
  async look(misses) {
    if (!this.stream) return;
    const text = await this.readFrame(misses % 3 === 2 ? 2 : 1);
    if (!this.stream) return;
    if (text !== null && text !== this.last) {
      this.last = text;
      if (this.onText(text)) {
        this.stop();
        return;
      }
    }
    setTimeout(() => this.look(text === null ? misses + 1 : 0), 60);
  }

  async readFrame(scale) {
    const { videoWidth: width, videoHeight: height } = this.video;
    if (!width) return null;
    const fitting = Math.min(scale, LONGEST / Math.max(width, height));
    return read(draw(this.video, width, height, fitting));
  }
}
