/** The load generator:  node tools/native/k6.mjs  prints where a fitting k6 is, getting it if need be. */
import path from 'node:path';
import { printProvided } from './print-provided.mjs';
import { provideBinary } from './provide-binary.mjs';

const k6 = {
  name: 'k6',
  version: '1.8.1',
  versionArgs: ['version'],
  versionPattern: /^k6(?:\.exe)? v?(\d+\.\d+\.\d+)/m,
  // No archive is trusted without its SHA-256. To switch this way on, put the release's own checksums here:
  // 'linux-x64': { url: 'https://github.com/grafana/k6/releases/download/v…', sha256: '…', member: 'k6-v…/k6' }
  archives: {},
  goModule: { folder: path.join(import.meta.dirname, 'k6'), package: 'go.k6.io/k6', ldflags: '-s -w' },
};

/** The path of a fitting k6: `{ report(line), signal }` are told what happens and may end it. */
export const provideK6 = (hooks) => provideBinary(k6, hooks);

await printProvided(import.meta, provideK6);
