import fs from 'node:fs';
import path from 'node:path';
import { goEnvironment, provideGo } from './go-toolchain.mjs';
import { runGroup } from './run-group.mjs';

const progressEveryMs = 15_000;

/**
 * Builds `{ folder, package, ldflags }` from the module versions that folder pins; returns nothing, writes `output`.
 * `goArchives`: where a compiler comes from if there is none, unless from Go's own releases.
 */
export async function goBuild(
  { folder, package: target, ldflags, goArchives: archives },
  output,
  { report, signal },
) {
  const { go, version } = await provideGo(goVersionOf(folder), { archives, report, signal });
  const env = { ...process.env, ...goEnvironment };
  const began = Date.now();
  let packages = 0;
  const ticker = setInterval(() => {
    report(
      `compiling with Go ${version}: ${packages} packages after ${Math.round((Date.now() - began) / 1000)} s`,
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
