import crypto from 'node:crypto';
import { createRequire } from 'node:module';
import path from 'node:path';
import { startTestServers } from '../test/servers.mjs';
import { withBuiltMigrations } from './build-migrations.mjs';

const say = (line) => process.stdout.write(`${line}\n`);

/** Lints the migrations of services on a throw-away server. Resolves to the exit code. */
export async function lint(services) {
  return withBuiltMigrations(services, async (folder) => {
    const load = createRequire(import.meta.url);
    const dataAccess = load(path.join(folder, 'data-access/index.js'));
    const { lintMigrations } = load(path.join(folder, 'data-access/schema-checks.js'));
    const server = await startTestServers(['postgres']);
    try {
      let count = 0;
      for (const service of services) {
        const url = await scratchDatabase(dataAccess, server.postgresUrl, service);
        const directory = path.join(folder, service, 'migrations');
        const findings = await lintMigrations(url, { directory, schema: service });
        findings.forEach(tell);
        count += findings.length;
        if (findings.length === 0) say(`${service}: nothing to complain about`);
      }
      return count > 0 ? 1 : 0;
    } finally {
      await server.stop();
    }
  });
}

function tell({ migration, rule, message, statement }) {
  say(`${migration}: ${rule}\n  ${message}`);
  if (statement) say(`  in: ${statement}`);
}

/** An empty schema with its roles; resolves to the URL as its owner. */
async function scratchDatabase(dataAccess, adminUrl, service) {
  const ownerPassword = crypto.randomBytes(16).toString('hex');
  const database = `lint_${service}`;
  const services = [{ name: service, ownerPassword, appPassword: ownerPassword }];
  await dataAccess.provisionDatabase(adminUrl, { database, services });
  const url = new URL(dataAccess.withDatabase(adminUrl, database));
  url.username = dataAccess.serviceRoles(service).owner;
  url.password = ownerPassword;
  return url.href;
}
