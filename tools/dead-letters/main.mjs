/** Events that a service has given up:  npm run dead-letters -- list|show|replay|discard --service <name> [options] */
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { bundle } from '../build/bundle.mjs';
import { failureLine } from '../native/clear-error.mjs';
import { dataDir, shownPath, workspaceRoot } from '../native/workspace.mjs';
import { readDotEnv } from '../start/dot-env.mjs';
import { secretText } from '../start/secrets.mjs';
import { runningState } from '../start/state-file.mjs';
import { parseCommand, usage } from './command-line.mjs';

const auditFile = path.join(dataDir, 'logs/dead-letters-audit.log');
const usageError = 64;

/** What .env and the environment say; beside a running `npm start`, its Redis needs no saying. */
function readEnvironment() {
  const dotEnvFile = path.resolve(workspaceRoot, process.env.ROSTRUM_ENV_FILE || '.env');
  const env = { ...readDotEnv(dotEnvFile), ...process.env };
  const told = ['REDIS_URL', 'REDIS_URL_FILE', 'REDIS_SENTINELS', 'REDIS_CLUSTER_NODES', 'NATS_URL'];
  const running = runningState();
  if (told.some((name) => env[name]) || !running?.ports) return env;
  return { ...env, REDIS_URL: `redis://:${secretText('redis')}@127.0.0.1:${running.ports.REDIS_PORT}` };
}

/** The command itself is TypeScript, on the project's own libraries. */
async function loadCommand() {
  const entry = path.join(import.meta.dirname, 'dead-letters-command.ts');
  const { files } = await bundle([{ in: entry, out: 'dead-letters-command' }]);
  const outdir = path.join(workspaceRoot, 'dist/dead-letters');
  fs.mkdirSync(outdir, { recursive: true });
  const file = path.join(outdir, `command-${process.pid}.js`);
  fs.writeFileSync(file, files['dead-letters-command.js']);
  try {
    return createRequire(import.meta.url)(file);
  } finally {
    fs.rmSync(file);
  }
}

/** Who gave what up or tried it again stays on record. */
function audit(entry) {
  const line = JSON.stringify({ time: new Date().toISOString(), level: 'warn', ...entry, audit: true });
  fs.mkdirSync(path.dirname(auditFile), { recursive: true });
  fs.appendFileSync(auditFile, `${line}\n`);
  process.stderr.write(`${line}\n`);
}

const say = (line) => process.stdout.write(`${line}\n`);

async function main(args) {
  const parsed = parseCommand(args);
  if (parsed.help) {
    say(`${usage}\n\nReplays and discards are noted in ${shownPath(auditFile)}.`);
    return 0;
  }
  if (parsed.problem) {
    process.stderr.write(`${parsed.problem}\n\n${usage}\n`);
    return usageError;
  }
  const { runDeadLettersCommand } = await loadCommand();
  const { by = os.userInfo().username } = parsed.command;
  return runDeadLettersCommand(parsed.command, {
    environment: readEnvironment(),
    say,
    audit: (entry) => audit({ ...entry, by }),
  });
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${failureLine(error)}\n`);
  process.exitCode = 1;
}
