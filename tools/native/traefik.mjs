/** The gateway's engine:  node tools/native/traefik.mjs  prints where a fitting Traefik is, getting it if need be. */
import path from 'node:path';
import { printProvided } from './print-provided.mjs';
import { provideBinary } from './provide-binary.mjs';

const version = '3.7.9';

const traefik = {
  name: 'traefik',
  version,
  versionArgs: ['version'],
  versionPattern: /^Version:\s+v?(\d+\.\d+\.\d+)/m,
  // No archive is trusted without its SHA-256. To switch this way on, put the release's own checksums here:
  // 'linux-x64': { url: 'https://github.com/traefik/traefik/releases/download/v…', sha256: '…', member: 'traefik' }
  archives: {},
  goModule: {
    folder: path.join(import.meta.dirname, 'traefik'),
    package: 'github.com/traefik/traefik/v3/cmd/traefik',
    ldflags: `-s -w -X github.com/traefik/traefik/v3/pkg/version.Version=v${version}`,
  },
};

/** The path of a fitting Traefik: `{ report(line), signal }` are told what happens and may end it. */
export const provideTraefik = (hooks) => provideBinary(traefik, hooks);

await printProvided(import.meta, provideTraefik);
