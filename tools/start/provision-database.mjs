import { createRequire } from 'node:module';
import path from 'node:path';
import { ClearError } from '../native/clear-error.mjs';
import { workspaceRoot } from '../native/workspace.mjs';
import { rolePassword } from './service-environment.mjs';
import { services } from './settings.mjs';

/** Gives each service its schema and its two roles, with the library that the services themselves are built on. */
export async function provisionDatabase(adminUrl) {
  const load = createRequire(import.meta.url);
  const dataAccess = load(path.join(workspaceRoot, 'dist/libs/data-access/index.js'));
  try {
    await dataAccess.provisionDatabase(adminUrl, {
      database: 'rostrum',
      services: services.map((name) => ({
        name,
        ownerPassword: rolePassword(`${name}_owner`),
        appPassword: rolePassword(name),
      })),
    });
  } catch (error) {
    throw new ClearError(
      `The database could not be set up: ${error.message || error.code}.`,
      'Its log is .data/logs/postgres.log; with DATABASE_URL, the login there must be allowed to create roles and databases.',
      { cause: error },
    );
  }
}
