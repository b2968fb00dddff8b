/**
 * Keeps throw-away servers for as long as somebody holds its standard input open, so that they end with their user
 * whatever that one dies of:  node tools/test/server-host.mjs [postgres] [redis]
 * Prints one line of JSON when they are up: { postgresUrl, postgresPid, redisUrl, redisPid }.
 */
import { startThrowAwayServers } from './throw-away-servers.mjs';
import { failureLine } from '../native/clear-error.mjs';

const wanted = process.argv.slice(2);
if (wanted.includes('--help')) {
  process.stdout.write(
    'Usage: node tools/test/server-host.mjs [postgres] [redis]   (ends when its standard input ends)\n',
  );
  process.exit(0);
}

const released = new Promise((resolve) => {
  process.stdin.once('end', resolve).once('error', resolve).once('close', resolve).resume();
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.once(signal, resolve);
});

try {
  const servers = await startThrowAwayServers(wanted.length > 0 ? wanted : ['postgres', 'redis']);
  process.stdout.write(`${JSON.stringify(servers.description)}\n`);
  await released;
  await servers.stop();
  process.exit(0);
} catch (error) {
  process.stderr.write(`${failureLine(error)}\n`);
  process.exit(1);
}
