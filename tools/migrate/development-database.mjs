import { ClearError } from '../native/clear-error.mjs';
import { postgresUrl } from '../native/postgres.mjs';
import { secretText } from '../start/secrets.mjs';
import { postgresUnit } from '../start/server-units.mjs';
import { claimState, runningState } from '../start/state-file.mjs';
import { Supervisor } from '../start/supervisor.mjs';

/**
 * Gives `use` the superuser's URL of the database that `npm start` works with: the one it was told of, or the one that
 * runs with it at this moment, or, while nothing runs, its own, started for as long as it is used.
 */
export async function withDevelopmentDatabase(settings, signal, use) {
  if (settings.databaseUrl) return use(settings.databaseUrl);
  const running = runningState();
  if (running) return use(urlOf(running));
  const state = await claimState(() => undefined);
  const silent = { say() {}, warn() {} };
  const supervisor = new Supervisor({ state, progress: silent, onCrashLoop() {} });
  try {
    const { unit, url } = await postgresUnit({ ports: settings.ports, env: settings.env });
    await supervisor.start(unit, signal);
    return await use(url);
  } finally {
    await supervisor.stop(supervisor.names);
    state.release();
  }
}

function urlOf({ ports }) {
  const port = ports?.POSTGRES_PORT;
  if (!port) throw new ClearError('npm start is not up yet.', 'Try again when it is.');
  return postgresUrl({ port, password: secretText('postgres-superuser') });
}
