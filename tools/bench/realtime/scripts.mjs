/** The programs of the benchmark, made of TypeScript once at the beginning. */
import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { bundle } from '../../build/bundle.mjs';
import { workspaceRoot } from '../../native/workspace.mjs';

const outdir = path.join(workspaceRoot, 'dist/bench/realtime');
const names = [
  'serve-bare',
  'serve-sockets',
  'serve-service',
  'stage',
  'clients',
  'returning-clients',
  'stalled-clients',
];

export const script = (name) => path.join(outdir, `${name}.js`);

/** Servers have one core, everybody else the other. */
export const cores = { serverCore: 0, clientCore: 1 };

export async function buildScripts() {
  const folder = path.join(workspaceRoot, 'apps/realtime/bench');
  const { files } = await bundle(names.map((name) => ({ in: path.join(folder, `${name}.ts`), out: name })));
  mkdirSync(outdir, { recursive: true });
  for (const [name, bytes] of Object.entries(files)) writeFileSync(path.join(outdir, name), bytes);
  // Of the built service only the migrations are used: JavaScript, as the database is made with.
  const app = [
    path.join(workspaceRoot, 'tools/build/app.mjs'),
    'apps/realtime',
    '--out',
    path.join(outdir, 'service'),
  ];
  await promisify(execFile)(process.execPath, app, { cwd: workspaceRoot });
}
