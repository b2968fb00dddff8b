import { isBuiltin } from 'node:module';
import { ClearError } from '../native/clear-error.mjs';
import { pruneLock } from './prune-lock.mjs';

/** The packages that the bundles import from outside, by name. */
export function importedPackages(metafile) {
  const names = new Set();
  for (const { imports } of Object.values(metafile.outputs)) {
    for (const { path: specifier, external } of imports) {
      if (external && !isBuiltin(specifier)) names.add(packageName(specifier));
    }
  }
  return [...names].sort();
}

function packageName(specifier) {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

/** What `npm ci --omit=dev` needs beside the bundles: `{ manifest, pruned }`. */
export function manifestsFor({ name, version }, packages, lock) {
  const dependencies = Object.fromEntries(packages.map((wanted) => [wanted, lockedVersion(wanted, lock)]));
  const manifest = {
    name,
    version,
    private: true,
    type: 'commonjs',
    engines: { node: '>=24' },
    scripts: { start: 'node --require ./telemetry.js main.js' },
    dependencies,
  };
  return { manifest, pruned: pruneLock(manifest, lock) };
}

function lockedVersion(name, lock) {
  const entry = lock.packages[`node_modules/${name}`];
  if (!entry)
    throw new ClearError(`${name} is imported but not installed.`, `Add it with npm install ${name}.`);
  if (entry.dev || entry.devOptional || !lock.packages[''].dependencies?.[name]) {
    throw new ClearError(
      `${name} is imported by what goes into production but is no dependency of the workspace's package.json.`,
      `Move it there with npm install --save-prod ${name}.`,
    );
  }
  return entry.version;
}
