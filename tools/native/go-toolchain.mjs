import fs from 'node:fs';
import path from 'node:path';
import { findOnPath, runCommand } from './child-process.mjs';
import { ClearError, reasonOf } from './clear-error.mjs';
import { withFileLock } from './file-lock.mjs';
import { fetchReleaseArchive } from './release-archive.mjs';
import { cacheDir } from './workspace.mjs';

/** Go's own releases, by platform. */
const releases = {
  'linux-x64': release('linux-amd64', 'aac1b08a0fb0c4e0a7c1555beb7b59180b05dfc5a3d62e40e9de90cd42f88235'),
  'linux-arm64': release('linux-arm64', 'bd03b743eb6eb4193ea3c3fd3956546bf0e3ca5b7076c8226334afe6b75704cd'),
  'darwin-x64': release('darwin-amd64', '1ca28b7703cbea05a65b2a1d92d6b308610ef92f8824578a0874f2e60c9d5a22'),
  'darwin-arm64': release('darwin-arm64', 'b1640525dfe68f066d56f200bef7bf4dce955a1a893bd061de6754c211431023'),
};

function release(platform, sha256) {
  return { url: `https://go.dev/dl/go1.26.0.${platform}.tar.gz`, sha256, member: 'go' };
}

/** Only the Go that was chosen: a build must not fetch another compiler behind one's back. */
export const goEnvironment = {
  GOTOOLCHAIN: 'local',
  GOFLAGS: '-mod=readonly',
  GOWORK: 'off',
  CGO_ENABLED: '0',
};

/** `{ go, version }`: a Go that is new enough, from PATH, the user's cache or its release. */
export async function provideGo(wanted, { archives = releases, report, signal }) {
  const here = await inspect(findOnPath('go'));
  if (here && atLeast(here.version, wanted)) return here;
  const missing = here
    ? `Go ${wanted} or newer is needed, and this one is ${here.version}`
    : `Go ${wanted} or newer is not on PATH`;
  const archive = archives[`${process.platform}-${process.arch}`];
  if (!archive) throw new ClearError(`${missing}.`);
  try {
    return await inspect(await fromRelease(archive, { report, signal }));
  } catch (error) {
    signal?.throwIfAborted();
    throw new ClearError(`${missing}, and its release could not be had: ${reasonOf(error)}`);
  }
}

async function fromRelease(archive, { report, signal }) {
  const folder = cacheDir('go', archive.sha256.slice(0, 16));
  const go = path.join(folder, 'go/bin/go');
  const onWait = (pid) => report(`Go is being fetched by process ${pid}; waiting for it`);
  await withFileLock(
    `${folder}.lock`,
    async () => {
      if (fs.existsSync(go)) return;
      report(`fetching the Go compiler: ${archive.url}`);
      const draft = `${folder}.${process.pid}.new`;
      fs.mkdirSync(draft, { recursive: true });
      try {
        await fetchReleaseArchive(archive, draft, { signal });
        fs.renameSync(draft, folder);
      } finally {
        fs.rmSync(draft, { recursive: true, force: true });
      }
    },
    { onWait, signal },
  );
  return go;
}

async function inspect(go) {
  if (!go) return undefined;
  const options = { cwd: '/', env: { ...process.env, ...goEnvironment } };
  const version = (await runCommand(go, ['env', 'GOVERSION'], options)).trim().replace(/^go/, '');
  return { go, version };
}

export function atLeast(found, wanted) {
  const [a, b] = [found, wanted].map((version) =>
    version.split(/[.-]/).map((part) => Number.parseInt(part, 10) || 0),
  );
  const at = b.findIndex((part, index) => (a[index] ?? 0) !== part);
  return at === -1 || (a[at] ?? 0) > b[at];
}
