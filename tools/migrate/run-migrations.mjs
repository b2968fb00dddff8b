import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import path from 'node:path';
import { ended } from '../native/child-process.mjs';
import { ClearError } from '../native/clear-error.mjs';
import { rolePassword, serviceEnvironment } from '../start/service-environment.mjs';
import { readSettings, services as allServices } from '../start/settings.mjs';
import { onStopRequest } from '../start/stop-requests.mjs';
import { withBuiltMigrations } from './build-migrations.mjs';
import { withDevelopmentDatabase } from './development-database.mjs';

/** Runs the services' own migrate.js one after the other. Resolves to the exit code: of the first that is not 0. */
export async function runMigrations(services, args) {
  const stop = new AbortController();
  onStopRequest(() => stop.abort(new ClearError('Interrupted.')));
  const run = (folder, environmentOf) =>
    runAll(services, { args, folder, environmentOf, signal: stop.signal });
  return withBuiltMigrations(services, async (folder) => {
    if (process.env.DATABASE_MIGRATION_URL) {
      checkOne(services);
      return run(folder, () => process.env);
    }
    const settings = await readSettings(process.env);
    return withDevelopmentDatabase(settings, stop.signal, async (databaseUrl) => {
      await provision(folder, databaseUrl);
      const context = { env: settings.env, ports: settings.ports, databaseUrl, redisUrl: '' };
      return run(folder, (service) => serviceEnvironment({ service, kind: 'migrate' }, context));
    });
  });
}

/** One URL names one role, and each service has its own. */
function checkOne(services) {
  if (services.length === 1) return;
  throw new ClearError(
    'DATABASE_MIGRATION_URL is the login of one service.',
    'Name that service, or leave it out.',
  );
}

async function runAll(services, { args, folder, environmentOf, signal }) {
  let code = 0;
  for (const service of services) {
    signal.throwIfAborted();
    if (services.length > 1) process.stdout.write(`${service}:\n`);
    const script = path.join(folder, service, 'migrate.js');
    const child = spawn(process.execPath, [script, ...args], {
      env: environmentOf(service),
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    const interrupt = () => child.kill('SIGINT');
    signal.addEventListener('abort', interrupt, { once: true });
    const outcome = await ended(child);
    signal.removeEventListener('abort', interrupt);
    code ||= outcome.code ?? 1;
    // What one service's state is keeps nobody from looking at the next one.
    if (code !== 0 && args[0] !== 'status') break;
  }
  return code;
}

/** The roles and schemas that migrations need; npm start makes them likewise. */
async function provision(folder, adminUrl) {
  const dataAccess = createRequire(import.meta.url)(path.join(folder, 'data-access/index.js'));
  await dataAccess.provisionDatabase(adminUrl, {
    database: 'rostrum',
    services: allServices.map((name) => ({
      name,
      ownerPassword: rolePassword(`${name}_owner`),
      appPassword: rolePassword(name),
    })),
  });
}
