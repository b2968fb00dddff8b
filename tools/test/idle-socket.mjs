/** npm run check:idle-socket — a socket through the whole system that says nothing for half an hour, and lives. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { provideTraefik } from '../native/traefik.mjs';
import { workspaceRoot } from '../native/workspace.mjs';
import { startTestServers } from './servers.mjs';

const { values } = parseArgs({
  options: { help: { type: 'boolean' }, minutes: { type: 'string', default: '30' } },
});
const minutes = Number(values.minutes);
if (values.help || !(minutes > 0 && minutes <= 110)) {
  console.log(`npm run check:idle-socket [-- --minutes 30]

Starts everything that was built last (npx nx run-many -t build) and lets one socket idle through the gateway, for at
most 110 minutes. It answers pings and says nothing else.`);
  process.exit(values.help ? 0 : 1);
}

const servers = await startTestServers();
try {
  const env = {
    ...process.env,
    TEST_POSTGRES_URL: servers.postgresUrl,
    TEST_REDIS_URL: servers.redisUrl,
    TRAEFIK_BIN: await provideTraefik({ report: console.log }),
    IDLE_SOCKET_MINUTES: String(minutes),
  };
  const jest = ['node_modules/jest/bin/jest.js', '--config', 'apps/e2e/jest.config.cjs'];
  const args = [...jest, 'tests/system/web-sockets', '--testNamePattern', 'an idle socket'];
  const child = spawn(process.execPath, args, { cwd: workspaceRoot, env, stdio: 'inherit' });
  [process.exitCode] = await once(child, 'exit');
} finally {
  await servers.stop();
}
