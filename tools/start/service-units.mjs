import fs from 'node:fs';
import path from 'node:path';
import { ended, hasEnded, runCommand, spawnServer, stopChild, tail } from '../native/child-process.mjs';
import { ClearError } from '../native/clear-error.mjs';
import { waitUntil } from '../native/wait-until.mjs';
import { dataDir, shownPath, workspaceRoot } from '../native/workspace.mjs';
import { processOptions } from './process-options.mjs';
import { serviceEnvironment } from './service-environment.mjs';

const readyLimitMs = 60_000;
const killMarginMs = 5000;

export const logFileOf = (name) => path.join(dataDir, 'logs', `${name}.log`);
const bundle = (service, file) => path.join(workspaceRoot, 'dist/apps', service, file);

/** The processes of one service, as units of the supervisor: `main` answers requests, `worker` does the rest. */
export function serviceUnits(service, context) {
  return ['main', 'worker']
    .filter((kind) => fs.existsSync(bundle(service, `${kind}.js`)))
    .map((kind) => serviceUnit({ service, kind }, context));
}

function serviceUnit({ service, kind }, context) {
  const name = kind === 'main' ? service : `${service}-worker`;
  const { nodeArguments, environment } = processOptions({ service, kind });
  const env = { ...environment, ...serviceEnvironment({ service, kind }, context) };
  const logFile = logFileOf(name);
  const script = bundle(service, `${kind}.js`);
  const args = [...nodeArguments, ...telemetry(service), script];
  return {
    name,
    logFile,
    match: script,
    stopSignal: 'SIGTERM',
    async start() {
      const cwd = path.dirname(script);
      const child = spawnServer(process.execPath, args, { env, logFile, cwd, channel: true });
      const limitMs = Number(env.SHUTDOWN_MAX_MS) + killMarginMs;
      return { pid: child.pid, child, exited: ended(child), stop: () => stopChild(child, { limitMs }) };
    },
    ready: ({ child }, signal) => untilReady({ name, child, logFile, port: env.OPS_PORT }, signal),
  };
}

function telemetry(service) {
  const file = bundle(service, 'telemetry.js');
  return fs.existsSync(file) ? ['--require', file] : [];
}

/** Resolves when the process says that it is ready; to how it ended, when it ended before. */
async function untilReady({ name, child, logFile, port }, signal) {
  let answer = 'nothing';
  const isReady = async () => {
    signal.throwIfAborted();
    answer = hasEnded(child) ? answer : await probe(`http://127.0.0.1:${port}/readyz`);
    return answer === 200 || hasEnded(child);
  };
  await waitUntil(isReady, { timeoutMs: readyLimitMs, everyMs: 50 }).catch((error) => {
    signal.throwIfAborted();
    throw new ClearError(
      `${name} did not become ready within ${readyLimitMs / 1000} s (its readiness answers ${answer}).`,
      `Its log is ${shownPath(logFile)}.`,
      { cause: error },
    );
  });
  return hasEnded(child) ? ended(child) : undefined;
}

async function probe(url) {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2000) });
    await response.arrayBuffer();
    return response.status;
  } catch (error) {
    return error.cause?.code ?? error.name;
  }
}

/** Has each service read its configuration before anything runs, so that a wrong setting is told once and early. */
export async function checkConfiguration(service, context) {
  const env = serviceEnvironment({ service, kind: 'main' }, context);
  await runCommand(process.execPath, [bundle(service, 'main.js'), '--check'], { env }).catch((error) => {
    const said = `${error.cause?.stdout ?? ''}${error.cause?.stderr ?? ''}`.trim() || error.message;
    const lines = said.split('\n').map((line) => line.trim());
    throw new ClearError(
      `${service} refuses its settings: ${lines.join(' ')}`,
      'Correct .env or the environment.',
    );
  });
}

export async function migrateService(service, context) {
  const script = bundle(service, 'migrate.js');
  if (!fs.existsSync(script)) return;
  const env = serviceEnvironment({ service, kind: 'migrate' }, context);
  await runCommand(process.execPath, [script, 'up'], { env, signal: context.signal }).catch((error) => {
    context.signal.throwIfAborted();
    const said = tail(`${error.cause?.stdout ?? ''}\n${error.cause?.stderr ?? error.message}`, 3);
    throw new ClearError(
      `The migration of ${service} failed: ${said.replaceAll('\n', '; ')}`,
      `Mend apps/${service}/migrations, or remove the data with npm run reset, and start again.`,
    );
  });
}
