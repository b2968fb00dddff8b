/** `npm run keys`, `npm run audit` and `npm run admin`: auth's own operate.js, with what npm start works with. */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { bundle } from '../build/bundle.mjs';
import { withDevelopmentDatabase } from '../migrate/development-database.mjs';
import { ended } from '../native/child-process.mjs';
import { ClearError, failureLine } from '../native/clear-error.mjs';
import { workspaceRoot } from '../native/workspace.mjs';
import { serviceEnvironment } from '../start/service-environment.mjs';
import { readSettings } from '../start/settings.mjs';
import { onStopRequest } from '../start/stop-requests.mjs';

const groups = ['keys', 'audit', 'admin'];

async function operate(args) {
  if (!groups.includes(args[0]))
    throw new ClearError(`It is npm run ${groups.join(', npm run ')} -- <command>.`);
  const help = args.length === 1 || args.includes('--help');
  const stop = new AbortController();
  onStopRequest(() => stop.abort(new ClearError('Interrupted.')));
  return withBuilt((script) => {
    if (help) return run(script, { args: ['--help'], env: {}, signal: stop.signal });
    return withEnvironment(stop.signal, (env) => run(script, { args, env, signal: stop.signal }));
  });
}

/** Another system than the one of npm start is named by its own DATABASE_URL and secrets. */
async function withEnvironment(signal, use) {
  const { DATABASE_URL, AUTH_SECRET, AUTH_SECRET_FILE } = process.env;
  if (DATABASE_URL && (AUTH_SECRET || AUTH_SECRET_FILE)) return use(process.env);
  const settings = await readSettings(process.env);
  return withDevelopmentDatabase(settings, signal, (databaseUrl) => {
    const context = { env: settings.env, ports: settings.ports, databaseUrl, redisUrl: '' };
    return use(serviceEnvironment({ service: 'auth', kind: 'migrate' }, context));
  });
}

async function withBuilt(use) {
  fs.mkdirSync(path.join(workspaceRoot, 'dist'), { recursive: true });
  // Inside of the workspace, where packages are found.
  const folder = fs.mkdtempSync(path.join(workspaceRoot, 'dist/operate-'));
  try {
    const { files } = await bundle([
      { out: 'operate', in: path.join(workspaceRoot, 'apps/auth/src/operate.ts') },
    ]);
    for (const [name, contents] of Object.entries(files)) fs.writeFileSync(path.join(folder, name), contents);
    return await use(path.join(folder, 'operate.js'));
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

async function run(script, { args, env, signal }) {
  const child = spawn(process.execPath, [script, ...args], { env, stdio: ['ignore', 'inherit', 'inherit'] });
  const interrupt = () => child.kill('SIGINT');
  signal.addEventListener('abort', interrupt, { once: true });
  const { code } = await ended(child);
  signal.removeEventListener('abort', interrupt);
  return code ?? 1;
}

try {
  process.exitCode = await operate(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${failureLine(error)}\n`);
  process.exitCode = 1;
}
