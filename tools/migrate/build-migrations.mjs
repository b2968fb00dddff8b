import fs from 'node:fs';
import path from 'node:path';
import { bundle } from '../build/bundle.mjs';
import { checksumsOf, migrationEntries } from '../build/migrations.mjs';
import { workspaceRoot } from '../native/workspace.mjs';

/**
 * Builds what migrating needs, and nothing else, into a folder that nobody else uses: the rest of a service need not
 * be whole, and no build that runs at this moment is disturbed. `use` gets the folder, which is removed after it.
 */
export async function withBuiltMigrations(services, use) {
  fs.mkdirSync(path.join(workspaceRoot, 'dist'), { recursive: true });
  // Inside of the workspace, where packages are found.
  const folder = fs.mkdtempSync(path.join(workspaceRoot, 'dist/migrate-'));
  try {
    await Promise.all([
      ...services.map((service) => buildService(service, path.join(folder, service))),
      buildLibrary(path.join(folder, 'data-access')),
    ]);
    return await use(folder);
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

async function buildService(service, out) {
  const project = path.join(workspaceRoot, 'apps', service);
  const migrations = migrationEntries(path.join(project, 'migrations'));
  const entries = [{ out: 'migrate', in: path.join(project, 'src/migrate.ts') }, ...migrations];
  const { files } = await bundle(entries);
  write(out, { ...files, ...checksumsOf(migrations) });
}

async function buildLibrary(out) {
  const source = path.join(workspaceRoot, 'libs/data-access/src');
  const { files } = await bundle([
    { out: 'index', in: path.join(source, 'index.ts') },
    { out: 'schema-checks', in: path.join(source, 'migrations/schema-checks.ts') },
  ]);
  write(out, files);
}

function write(folder, files) {
  for (const [name, contents] of Object.entries(files)) {
    const file = path.join(folder, name);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, contents);
  }
}
