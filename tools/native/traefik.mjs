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
  // Where others are wanted: the release's own checksums list them.
  archives: {
    'linux-x64': {
      version: '3.7.10',
      url: 'https://github.com/traefik/traefik/releases/download/v3.7.10/traefik_v3.7.10_linux_amd64.tar.gz',
      sha256: '01811bb12d44f17280550f425f5e3128d6c325f2665c09e67a651ca535f490ce',
      member: 'traefik',
    },
  },
  goModule: {
    folder: path.join(import.meta.dirname, 'traefik'),
    package: 'github.com/traefik/traefik/v3/cmd/traefik',
    ldflags: `-s -w -X github.com/traefik/traefik/v3/pkg/version.Version=v${version}`,
  },
};

/** The path of a fitting Traefik: `{ report(line), signal }` are told what happens and may end it. */
export const provideTraefik = (hooks) => provideBinary(traefik, hooks);

await printProvided(import.meta, provideTraefik);
