import fs from 'node:fs';
import path from 'node:path';
import { ClearError, reasonOf } from './clear-error.mjs';
import { findOnPath } from './child-process.mjs';
import { sha256OfFile } from './file-digest.mjs';
import { withFileLock } from './file-lock.mjs';
import { cacheDir } from './workspace.mjs';

/**
 * Finds a program that systems package, or gets it, and returns `{ command, env, version }`: `<NAME>_BIN`, PATH, the
 * user's cache, then each of its ways.
 *
 * tool: { name, title, programs, wanted, advice,
 *         inspect({ command, env }) → the binary with its version, or undefined where it does not run or fit,
 *         ways() → [origin, way(folder, hooks) → { command, env }], folder being where its files may be kept }
 */
export async function providePackaged(tool, { report = () => {}, signal } = {}) {
  const given = overridden(tool) ?? inspect(tool, { command: findOnPath(...tool.programs), env: {} });
  if (given) return given;
  const cached = await fromCache(tool);
  if (cached) return cached;
  return withFileLock(
    cacheDir(`${tool.name}.lock`),
    async () => (await fromCache(tool)) ?? obtain(tool, { report, signal }),
    {
      onWait: (pid) => report(`${tool.title} is being provided by process ${pid}; waiting for it`),
      signal,
    },
  );
}

function inspect(tool, binary) {
  return binary.command ? tool.inspect(binary) : undefined;
}

function overridden(tool) {
  const name = `${tool.name.toUpperCase().replaceAll('-', '_')}_BIN`;
  const chosen = process.env[name];
  if (!chosen) return undefined;
  const binary = inspect(tool, { command: chosen, env: {} });
  if (binary) return binary;
  throw new ClearError(`${name} (${chosen}) is no working ${tool.wanted}.`, 'Correct or unset it.');
}

/** Any installation there whose program is still the one that was installed, and runs. */
async function fromCache(tool) {
  const base = cacheDir(tool.name);
  if (!fs.existsSync(base)) return undefined;
  for (const name of fs.readdirSync(base).sort().reverse()) {
    const provenance = readProvenance(path.join(base, name));
    if (!provenance) continue;
    const inFolder = (file) => path.resolve(base, name, file);
    const command = inFolder(provenance.command);
    const unchanged = fs.existsSync(command) && (await sha256OfFile(command)) === provenance.sha256;
    const libraries = provenance.libraries.map(inFolder).join(':');
    const env = libraries ? { LD_LIBRARY_PATH: libraries } : {};
    const binary = unchanged && inspect(tool, { command, env });
    if (binary) return binary;
  }
  return undefined;
}

function readProvenance(folder) {
  try {
    return JSON.parse(fs.readFileSync(path.join(folder, 'provenance.json'), 'utf8'));
  } catch {
    return undefined;
  }
}

async function obtain(tool, hooks) {
  const failures = [];
  for (const [origin, way, options = {}] of tool.ways()) {
    hooks.report(`getting ${tool.title}: ${origin}`);
    try {
      if (options.kept === false) return await useInPlace(tool, way, hooks);
      return await keep(tool, { origin, way }, hooks);
    } catch (error) {
      hooks.signal?.throwIfAborted();
      failures.push(`${origin}: ${reasonOf(error)}`);
      hooks.report(`that did not work (${failures.at(-1)})`);
    }
  }
  const tried = failures.length > 0 ? ` (${failures.join('; ')})` : '';
  throw new ClearError(
    `No ${tool.programs.join(' or ')} is here, and none could be had${tried}.`,
    tool.advice,
  );
}

async function useInPlace(tool, way, hooks) {
  const binary = inspect(tool, await way(undefined, hooks));
  if (!binary) throw new Error('the program does not run here');
  return binary;
}

/** Makes an installation in a draft folder and gives it its lasting place only when it runs. */
async function keep(tool, { origin, way }, hooks) {
  const draft = cacheDir(`${tool.name}-${process.pid}.new`);
  fs.rmSync(draft, { recursive: true, force: true });
  fs.mkdirSync(draft, { recursive: true });
  try {
    const binary = inspect(tool, await way(draft, hooks));
    if (!binary) throw new Error('the program does not run here');
    const sha256 = await sha256OfFile(binary.command);
    const relative = (file) => path.relative(draft, file);
    const libraries = (binary.env.LD_LIBRARY_PATH ?? '').split(':').filter(Boolean).map(relative);
    const provenance = { tool: tool.name, origin, command: relative(binary.command), libraries, sha256 };
    fs.writeFileSync(path.join(draft, 'provenance.json'), `${JSON.stringify(provenance, null, 2)}\n`);
    const folder = cacheDir(tool.name, `${binary.version}-${sha256.slice(0, 16)}`);
    fs.mkdirSync(path.dirname(folder), { recursive: true });
    fs.rmSync(folder, { recursive: true, force: true });
    fs.renameSync(draft, folder);
    return await fromCache(tool);
  } finally {
    fs.rmSync(draft, { recursive: true, force: true });
  }
}
