/** `npm start`: the whole system on this machine, until Ctrl-C. */
import { parseArgs } from 'node:util';
import { ClearError, failureLine } from '../native/clear-error.mjs';
import { diskFullError } from './preflight.mjs';
import { createProgress } from './progress.mjs';
import { readyTable } from './ready-table.mjs';
import { readSettings, services } from './settings.mjs';
import { Stack } from './stack.mjs';
import { claimState } from './state-file.mjs';
import { onStopRequest } from './stop-requests.mjs';
import { Supervisor } from './supervisor.mjs';

const usage = `npm start [-- options]

Sets up and runs PostgreSQL, Redis, the services with their workers and the gateway; Ctrl-C drains and stops them.

  --only <names>   only these services (${services.join(', ')}), without the gateway
  --no-build       runs what was built last
  --no-seed        makes no development data on the first run
  --help           shows this

Settings come from .env (or ROSTRUM_ENV_FILE) or the environment: DATABASE_URL, REDIS_URL, POSTGRES_BIN_DIR, REDIS_BIN, TRAEFIK_BIN, any
port (GATEWAY_HTTPS_PORT, AUTH_PORT, …; PORTS=free for free ones), ROSTRUM_DATA_DIR, and whatever a service reads.`;

/** The first request to stop drains, a second one ends everything at once. */
class Interrupts {
  #controller = new AbortController();
  signal = this.#controller.signal;
  requested = new Promise((resolve) =>
    this.signal.addEventListener('abort', () => resolve(this.signal.reason)),
  );

  constructor(onSecond) {
    let asked = false;
    onStopRequest((reason) => {
      if (asked) onSecond();
      asked = true;
      this.abort(new Interruption(reason));
    });
  }

  abort(reason) {
    this.#controller.abort(reason);
  }
}

class Interruption extends Error {}

async function run(options) {
  const progress = createProgress();
  progress.say('Starting Rostrum');
  let supervisor;
  const interrupts = new Interrupts(async () => {
    progress.say('Ending everything at once.');
    await supervisor?.kill();
    state?.release();
    process.exit(1);
  });
  let state;
  let stack;
  let failure;
  try {
    const settings = await readSettings(process.env);
    state = await claimState((names) =>
      progress.warn(`ending what an earlier run left behind: ${names.join(', ')}`),
    );
    const onCrashLoop = (error) => interrupts.abort(error);
    supervisor = new Supervisor({ state, progress, onCrashLoop });
    const abort = (error) => interrupts.abort(error);
    stack = new Stack({
      settings,
      options: { ...options, abort },
      supervisor,
      progress,
      signal: interrupts.signal,
    });
    await stack.up();
    state.update({ ready: true, url: stack.url, ports: settings.ports });
    progress.say(`\nRostrum is up.\n\n${readyTable(stack).join('\n')}\n`);
    failure = await interrupts.requested;
  } catch (error) {
    failure = interrupts.signal.aborted ? interrupts.signal.reason : error;
    if (failure instanceof Interruption) failure.early = true;
  }
  return end({ failure, stack, state, progress });
}

async function end({ failure, stack, state, progress }) {
  const asked = failure instanceof Interruption;
  if (stack?.supervisor.names.length > 0) {
    progress.say(
      asked ? `\nStopping (${failure.message}); once more ends everything at once.` : '\nStopping.',
    );
  }
  const complaints = (await stack?.down()) ?? [];
  state?.release();
  for (const complaint of complaints) progress.warn(complaint);
  if (!asked) {
    process.stderr.write(`\n${failureLine(diskFullError(failure) ?? failure)}\n`);
    return 1;
  }
  progress.say('Stopped.');
  if (complaints.length > 0) return 1;
  return failure.early ? 130 : 0;
}

function parseOptions(args) {
  const flag = { type: 'boolean' };
  try {
    const { values } = parseArgs({
      args,
      options: { only: { type: 'string' }, 'no-build': flag, 'no-seed': flag, help: flag },
    });
    const only = values.only?.split(',').map((name) => name.trim());
    const unknown = only?.filter((name) => !services.includes(name)) ?? [];
    if (unknown.length > 0) throw new Error(`There is no service ${unknown.join(', ')}`);
    return { help: values.help, only, build: !values['no-build'], seed: !values['no-seed'] };
  } catch (error) {
    throw new ClearError(`${error.message}.`, 'See npm start -- --help.');
  }
}

try {
  const options = parseOptions(process.argv.slice(2));
  if (options.help) process.stdout.write(`${usage}\n`);
  process.exit(options.help ? 0 : await run(options));
} catch (error) {
  process.stderr.write(`${failureLine(error)}\n`);
  process.exit(1);
}
