/** Writes docs/openapi/<service>.json from the contracts; with --check it only says whether they are up to date. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { build } from 'esbuild';

const root = path.resolve(import.meta.dirname, '../..');
const folder = path.join(root, 'docs/openapi');

if (process.argv.includes('--help')) {
  console.log(
    'npm run openapi [-- --check]\n\nWrites docs/openapi/<service>.json from libs/contracts; --check only compares.',
  );
  process.exit(0);
}

const outfile = path.join(root, 'dist/openapi/contracts.cjs');
await build({
  entryPoints: [path.join(root, 'libs/contracts/src/index.ts')],
  bundle: true,
  platform: 'node',
  format: 'cjs',
  packages: 'external',
  outfile,
});
const { openApiDocument, serviceRoutes } = createRequire(import.meta.url)(outfile);

let stale = 0;
mkdirSync(folder, { recursive: true });
for (const service of Object.keys(serviceRoutes)) {
  const file = path.join(folder, `${service}.json`);
  const text = `${JSON.stringify(openApiDocument(service), null, 2)}\n`;
  const fresh = read(file) === text;
  if (process.argv.includes('--check')) {
    if (!fresh) stale += 1;
    console.log(
      `${path.relative(root, file)}: ${fresh ? 'up to date' : 'out of date, run `npm run openapi`'}`,
    );
  } else {
    writeFileSync(file, text);
    console.log(`${path.relative(root, file)}: ${fresh ? 'unchanged' : 'written'}`);
  }
}
process.exitCode = stale > 0 ? 1 : 0;

function read(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
