// Builds the page: one HTML file with everything in it. Run `npm ci --ignore-scripts && npm run build`.
// The same sources and lock file give the same bytes; the page records the digest of its sources.

import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as esbuild from 'esbuild';
import { gzipSync } from 'fflate';

const here = fileURLToPath(new URL('.', import.meta.url));
const read = path => readFileSync(`${here}${path}`, 'utf8');
const target = process.argv[2] ?? fileURLToPath(new URL('../../../chemtrace/entrypoints/verifier/verify.html', import.meta.url));

/** SHA-256 over one line "path sha256" for each source, in order of path. */
function digestSources() {
  const paths = ['build.mjs', 'package-lock.json', ...readdirSync(`${here}src`).map(name => `src/${name}`)].sort();
  const lines = paths.map(path => `${path} ${createHash('sha256').update(readFileSync(here + path)).digest('hex')}\n`);
  return createHash('sha256').update(lines.join('')).digest('hex');
}

async function bundle(entry) {
  const result = await esbuild.build({
    entryPoints: [here + entry],
    bundle: true,
    write: false,
    minify: true,
    format: 'iife',
    target: ['chrome87', 'firefox89', 'safari15'],
    supported: { bigint: true },
    charset: 'utf8',
    legalComments: 'none',
    logLevel: 'warning',
    metafile: true,
  });
  // A script inside HTML ends at the first "</script", wherever it stands.
  return result.outputFiles[0].text.trim().replaceAll('</script', '<\\/script').replaceAll('<!--', '<\\!--');
}

const LICENCES = [
  ['@noble/curves, @noble/hashes, @noble/post-quantum (MIT)', 'node_modules/@noble/curves/LICENSE'],
  ['fflate (MIT)', 'node_modules/fflate/LICENSE'],
  ['zxing-wasm (MIT)', 'node_modules/zxing-wasm/LICENSE'],
];

function licences() {
  const texts = LICENCES.map(([name, path]) => `${name}\n\n${read(path).trim()}`);
  const apache = readFileSync(fileURLToPath(new URL('../../../LICENSE', import.meta.url)), 'utf8').trim();
  return [...texts, `zxing-cpp inside zxing-wasm, and chemtrace itself (Apache-2.0)\n\n${apache}`].join('\n\n----\n\n');
}

const hash = text => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
const escaped = text => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

const style = (await esbuild.transform(read('src/style.css'), { loader: 'css', minify: true })).code.trim();
const script = await bundle('src/main.js');
const reader = gzipSync(readFileSync(`${here}node_modules/zxing-wasm/dist/reader/zxing_reader.wasm`), { level: 9, mtime: 0 });
const policy = [
  "default-src 'none'",
  `script-src ${hash(script)} 'wasm-unsafe-eval'`,
  `style-src ${hash(style)}`,
  'img-src data: blob:',
  'media-src blob:',
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');
const parts = {
  POLICY: policy,
  SOURCES: digestSources(),
  STYLE: style,
  LICENCES: escaped(licences()),
  READER: Buffer.from(reader).toString('base64'),
  SCRIPT: script,
};
const page = read('src/page.html').replace(/%([A-Z]+)%/g, (_, name) => parts[name]);
writeFileSync(target, page);

const core = await bundle('src/verify.js');
console.log(`${target}\npage ${page.length} bytes, script ${script.length}, reader ${parts.READER.length}, verifier alone ${core.length}`);
