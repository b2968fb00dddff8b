import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { ClearError, reasonOf } from './clear-error.mjs';
import { findOnPath } from './child-process.mjs';
import { sha256, sha256OfFile } from './file-digest.mjs';
import { withFileLock } from './file-lock.mjs';
import { goBuild } from './go-build.mjs';
import { atLeast } from './go-toolchain.mjs';
import { fetchReleaseArchive } from './release-archive.mjs';
import { cacheDir } from './workspace.mjs';

/**
 * Finds or makes a tool and returns its path: `<NAME>_BIN`, PATH, the user's cache, the official release archive, Go.
 *
 * tool: { name, version, versionPattern, versionArgs, archives: { 'linux-x64': { url, sha256, member, version? } },
 *         goModule: { folder, package, ldflags } }
 */
export async function provideBinary(tool, { report = () => {}, signal } = {}) {
  const given = overridden(tool) ?? onPath(tool);
  if (given) return given;
  const folder = cacheDir(tool.name, `${tool.version}-${recipeDigest(tool)}`);
  const cached = await fromCache(tool, folder, report);
  if (cached) return cached;
  const onWait = (pid) => report(`${tool.name} is being provided by process ${pid}; waiting for it`);
  return withFileLock(
    `${folder}.lock`,
    async () => (await fromCache(tool, folder, report)) ?? install(tool, folder, { report, signal }),
    { onWait, signal },
  );
}

function overridden(tool) {
  const name = `${tool.name.toUpperCase()}_BIN`;
  const chosen = process.env[name];
  if (!chosen) return undefined;
  if (versionOf(tool, chosen)) return chosen;
  throw new ClearError(`${name} (${chosen}) is no working ${tool.name}.`, 'Correct or unset it.');
}

/** Another one fits when it is of the same major version and not older. */
function onPath(tool) {
  const found = findOnPath(tool.name);
  const version = found && versionOf(tool, found);
  if (!version) return undefined;
  const sameMajor = version.split('.')[0] === tool.version.split('.')[0];
  return sameMajor && atLeast(version, tool.version) ? found : undefined;
}

function versionOf(tool, binary) {
  const { stdout } = spawnSync(binary, tool.versionArgs, { encoding: 'utf8', timeout: 20_000 });
  return tool.versionPattern.exec(stdout ?? '')?.[1];
}

/** Whatever decides what comes out of an installation is part of where it is kept. */
function recipeDigest({ archives, goModule, version }) {
  const pins = ['go.mod', 'go.sum', 'ext/go.mod', 'ext/ext.go']
    .map((name) => path.join(goModule.folder, name))
    .filter((file) => fs.existsSync(file))
    .map((file) => fs.readFileSync(file, 'utf8'));
  const platform = `${process.platform}-${process.arch}`;
  return sha256(JSON.stringify([version, platform, archives, goModule.ldflags, pins])).slice(0, 16);
}

async function fromCache(tool, folder, report) {
  const binary = path.join(folder, tool.name);
  if (!fs.existsSync(binary)) return undefined;
  const recorded = readProvenance(folder)?.sha256;
  if (recorded && recorded === (await sha256OfFile(binary))) return binary;
  report(`${binary} is not what was installed there; getting ${tool.name} anew`);
  fs.rmSync(folder, { recursive: true, force: true });
  return undefined;
}

function readProvenance(folder) {
  try {
    return JSON.parse(fs.readFileSync(path.join(folder, 'provenance.json'), 'utf8'));
  } catch {
    return undefined;
  }
}

async function install(tool, folder, { report, signal }) {
  const draft = `${folder}.${process.pid}.new`;
  fs.rmSync(draft, { recursive: true, force: true });
  fs.mkdirSync(draft, { recursive: true });
  const binary = path.join(draft, tool.name);
  try {
    const origin = await obtain(tool, binary, { report, signal });
    fs.chmodSync(binary, 0o755);
    const version = versionOf(tool, binary);
    if (!version) throw new Error(`the ${tool.name} that came from ${origin} does not run here`);
    const provenance = { tool: tool.name, version, origin, sha256: await sha256OfFile(binary) };
    fs.writeFileSync(path.join(draft, 'provenance.json'), `${JSON.stringify(provenance, null, 2)}\n`);
    fs.renameSync(draft, folder);
    return path.join(folder, tool.name);
  } finally {
    fs.rmSync(draft, { recursive: true, force: true });
  }
}

async function obtain(tool, binary, { report, signal }) {
  const failures = [];
  for (const [origin, way, version = tool.version] of ways(tool)) {
    try {
      report(`getting ${tool.name} ${version}: ${origin}`);
      await way(binary, { report, signal });
      return origin;
    } catch (error) {
      signal?.throwIfAborted();
      failures.push(`${origin}: ${reasonOf(error)}`);
      report(`that did not work (${reasonOf(error)})`);
    }
  }
  throw new ClearError(
    `No ${tool.name} could be had (${failures.join('; ')}).`,
    `Install ${tool.name} ${tool.version} or newer on PATH, or set ${tool.name.toUpperCase()}_BIN.`,
  );
}

function* ways(tool) {
  const archive = tool.archives[`${process.platform}-${process.arch}`];
  if (archive) {
    yield [
      'official release archive',
      async (binary, { signal }) => {
        fs.renameSync(await fetchReleaseArchive(archive, path.dirname(binary), { signal }), binary);
      },
      archive.version,
    ];
  }
  yield ['build from pinned Go modules', (binary, hooks) => goBuild(tool.goModule, binary, hooks)];
}
