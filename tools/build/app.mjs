/**
 * Builds one project:  node tools/build/app.mjs <projectRoot> [--out <folder>]
 *
 * An app (a project with src/main.ts) becomes a folder that runs anywhere: one CommonJS bundle per process, its
 * migrations, and a package.json and package-lock.json of only the packages that the bundles import. A library is
 * bundled to show that it can be.
 */
import fs from 'node:fs';
import path from 'node:path';
import { ClearError, failureLine } from '../native/clear-error.mjs';
import { workspaceRoot } from '../native/workspace.mjs';
import { bundle } from './bundle.mjs';
import { importedPackages, manifestsFor } from './deployable-manifest.mjs';
import { checksumsOf, migrationEntries } from './migrations.mjs';

const usage = 'Usage: node tools/build/app.mjs <projectRoot> [--out <folder>]';
const processEntries = ['main', 'worker', 'migrate', 'operate', 'telemetry'];

async function build(args) {
  const { projectRoot, out } = parse(args);
  const project = path.join(workspaceRoot, projectRoot);
  const isApp = fs.existsSync(path.join(project, 'src/main.ts'));
  const entries = isApp ? appEntries(project) : libraryEntries(project);
  const { files, metafile } = await bundle(entries);
  const texts = isApp ? { ...manifestsOf(projectRoot, metafile), ...checksumsOf(entries) } : {};
  writeFolder(out, files, texts);
}

function parse(args) {
  const [projectRoot, flag, folder, ...rest] = args;
  const known = flag === undefined || (flag === '--out' && folder);
  if (!projectRoot || projectRoot.startsWith('-') || !known || rest.length > 0) throw new ClearError(usage);
  if (!fs.existsSync(path.join(workspaceRoot, projectRoot, 'package.json'))) {
    throw new ClearError(`${projectRoot} is not a project of this workspace.`);
  }
  const out = folder ? path.resolve(folder) : path.join(workspaceRoot, 'dist', projectRoot);
  return { projectRoot: path.normalize(projectRoot), out };
}

function appEntries(project) {
  const processes = processEntries
    .map((name) => ({ out: name, in: path.join(project, 'src', `${name}.ts`) }))
    .filter((entry) => fs.existsSync(entry.in));
  return [...processes, ...migrationEntries(path.join(project, 'migrations'))];
}

/** A library's public doors: its index and whatever else its package.json exports. */
function libraryEntries(project) {
  const { exports = {} } = JSON.parse(fs.readFileSync(path.join(project, 'package.json'), 'utf8'));
  const doors = Object.values(exports).filter((file) => typeof file === 'string' && file.endsWith('.ts'));
  const sources = new Set(['src/index.ts', ...doors.map((file) => path.normalize(file))]);
  return [...sources].map((file) => ({ out: path.parse(file).name, in: path.join(project, file) }));
}

function manifestsOf(projectRoot, metafile) {
  const lock = JSON.parse(fs.readFileSync(path.join(workspaceRoot, 'package-lock.json'), 'utf8'));
  const { name, version } = JSON.parse(
    fs.readFileSync(path.join(workspaceRoot, projectRoot, 'package.json'), 'utf8'),
  );
  const { manifest, pruned } = manifestsFor({ name, version }, importedPackages(metafile), lock);
  const text = (value) => `${JSON.stringify(value, null, 2)}\n`;
  return { 'package.json': text(manifest), 'package-lock.json': text(pruned) };
}

/** Only a build that came to its end replaces what was there. */
function writeFolder(folder, files, texts) {
  fs.rmSync(folder, { recursive: true, force: true });
  for (const [name, contents] of [...Object.entries(files), ...Object.entries(texts)]) {
    const file = path.join(folder, name);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, contents);
  }
}

const args = process.argv.slice(2);
if (args.includes('--help')) {
  process.stdout.write(`${usage}\n`);
} else {
  try {
    await build(args);
  } catch (error) {
    process.stderr.write(`${failureLine(error)}\n`);
    process.exitCode = 1;
  }
}
