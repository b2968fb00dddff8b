import fs from 'node:fs';
import { ClearError } from './clear-error.mjs';
import { findOnPath, runCommand } from './child-process.mjs';
import { runGroup } from './run-group.mjs';
import path from 'node:path';

const progressEveryMs = 15_000;

/** Builds `{ folder, package, ldflags }` from the module versions that folder pins; returns nothing, writes `output`. */
export async function goBuild({ folder, package: target, ldflags }, output, { report, signal }) {
  const go = findOnPath('go');
  const wanted = goVersionOf(folder);
  if (!go) throw new ClearError(`Go ${wanted} or newer is not on PATH.`);
  // Only the Go that is here: a build must not fetch another compiler behind one's back.
  const env = {
    ...process.env,
    GOTOOLCHAIN: 'local',
    GOFLAGS: '-mod=readonly',
    GOWORK: 'off',
    CGO_ENABLED: '0',
  };
  const found = (await runCommand(go, ['env', 'GOVERSION'], { cwd: '/', env })).trim().replace(/^go/, '');
  if (!atLeast(found, wanted))
    throw new ClearError(`Go ${wanted} or newer is needed, and this one is ${found}.`);
  const began = Date.now();
  let packages = 0;
  const ticker = setInterval(() => {
    report(
      `compiling with Go ${found}: ${packages} packages after ${Math.round((Date.now() - began) / 1000)} s`,
    );
  }, progressEveryMs);
  try {
    const args = ['build', '-v', '-trimpath', '-ldflags', ldflags, '-o', output, target];
    const onLine = () => (packages += 1);
    const { code, lines } = await runGroup(go, args, { cwd: folder, env, signal, onLine });
    if (code !== 0) throw new Error(`go build failed: ${lines.slice(-6).join('; ')}`);
  } finally {
    clearInterval(ticker);
  }
}

function goVersionOf(folder) {
  return /^go (\S+)$/m.exec(fs.readFileSync(path.join(folder, 'go.mod'), 'utf8'))[1];
}

export function atLeast(found, wanted) {
  const [a, b] = [found, wanted].map((version) =>
    version.split(/[.-]/).map((part) => Number.parseInt(part, 10) || 0),
  );
  const at = b.findIndex((part, index) => (a[index] ?? 0) !== part);
  return at === -1 || (a[at] ?? 0) > b[at];
}
