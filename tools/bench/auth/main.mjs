/** npm run bench:auth — what signing in, refreshing and looking at one's account cost, beside what they cannot do without. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { compare } from '../compare.mjs';
import { hasTaskset, onCore, startServer } from '../server-process.mjs';
import { printTable } from '../table.mjs';
import { summariseTurns, takeTurns } from '../turns.mjs';
import { onStage, otherCore, outdir, serviceCommand, serviceCore } from './stage.mjs';

const { values } = parseArgs({
  options: {
    help: { type: 'boolean' },
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '5' },
    only: { type: 'string' },
  },
});
if (values.help) {
  console.log(`npm run bench:auth [-- --rounds 3 --seconds 5 --only login|refresh|me|storm]

The built auth service with everything on, alone on one core; its clients, PostgreSQL and Redis share the other. Starts
throw-away servers and ends them.`);
  process.exit(0);
}

const run = promisify(execFile);
const stateFile = path.join(outdir, 'state.json');
const rounds = Number(values.rounds);
const seconds = Number(values.seconds);
/** Some 4,000 sign-ins with those before it: a service is that warm after minutes, and the loop beside it at once. */
const warmUpSeconds = 30;
const wants = (what) => values.only === undefined || values.only === what;

async function measure(env) {
  const args = serviceCommand;
  const service = await startServer({ args, env }, serviceCore);
  const url = `http://127.0.0.1:${service.port}`;
  const verdicts = [];
  try {
    console.log('Making people and sessions');
    await client('prepare', url);
    const loginRate = wants('login') || wants('storm') ? await measureLogin(service, url, verdicts) : 0;
    if (wants('refresh')) verdicts.push(await measureRefresh(service, url));
    if (wants('storm')) verdicts.push(await measureStorm(url, loginRate));
  } finally {
    await service.stop();
  }
  if (wants('me')) verdicts.push(await measureMe({ args, env }));
  console.log(`\n${verdicts.join('\n')}`);
}

async function client(what, url, { forSeconds = seconds, ...more } = {}) {
  const [command, args] = onCore(otherCore, process.execPath, [
    path.join(outdir, 'client.js'),
    what,
    url,
    String(forSeconds),
  ]);
  const env = { ...process.env, BENCH_STATE: stateFile, ...more };
  return JSON.parse((await run(command, args, { env })).stdout);
}

async function withCpu(service, work) {
  const before = service.cpuSeconds();
  const result = await work();
  return { ...result, cpuMicros: ((service.cpuSeconds() - before) * 1e6) / result.requests };
}

async function measureLogin(service, url, verdicts) {
  head('Signing in by password (argon2id, 19 MiB, 2 passes)', '24 callers');
  await client('login', url, { forSeconds: warmUpSeconds });
  const raw = async () => {
    const [command, args] = onCore(serviceCore, process.execPath, [
      path.join(outdir, 'raw-argon2.js'),
      String(seconds),
    ]);
    return { failures: 0, ...JSON.parse((await run(command, args)).stdout) };
  };
  const rows = summariseTurns(
    await takeTurns({
      names: ['@node-rs/argon2 alone', 'POST /login'],
      rounds,
      measure: (name) => (name === 'POST /login' ? withCpu(service, () => client('login', url)) : raw()),
    }),
    '@node-rs/argon2 alone',
  );
  printTable(rows);
  failOn(rows);
  verdicts.push(goal('POST /login, of what the hash alone allows', rows[1].ratio, '≥ 0.90'));
  return rows[1].rps;
}

async function measureRefresh(service, url) {
  head('Exchanging refresh tokens', '32 callers, 800 sessions');
  const rows = summariseTurns(
    await takeTurns({
      names: ['POST /refresh'],
      rounds,
      measure: () => withCpu(service, () => client('refresh', url)),
    }),
    'POST /refresh',
  );
  printTable(rows);
  failOn(rows);
  return goal('POST /refresh, per second on one core', rows[0].rps, '≥ 400');
}

async function measureStorm(url, loginRate) {
  const storm = Math.round(loginRate * 2);
  head(
    `GET /me while ${storm} people a second try to sign in, twice what there is room for`,
    '100 reads a second',
  );
  const results = [];
  for (let round = 0; round < rounds; round += 1)
    results.push(await client('storm', url, { BENCH_STORM: String(storm) }));
  for (const { statuses, p50, p95, p99 } of results)
    console.log(
      `p50 ${p50.toFixed(1)} ms, p95 ${p95.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms; sign-ins ${JSON.stringify(statuses)}`,
    );
  const worst = Math.max(...results.map(({ p95 }) => p95));
  return goal('GET /me during a storm of sign-ins, p95 in ms, the worst round', worst, '< 200');
}

async function measureMe({ args, env }) {
  const { accessToken, me } = JSON.parse(readFileSync(stateFile, 'utf8'));
  console.log('');
  const rows = await compare({
    title: "GET /me, one's own account of a few hundred bytes",
    rounds,
    seconds,
    variants: [
      {
        name: 'bare Express 5, res.json',
        floor: true,
        args: [path.join(outdir, 'bare-me.js')],
        env: { BENCH_BODY: JSON.stringify(me) },
        path: '/api/v1/auth/me',
      },
      {
        name: 'GET /me',
        args,
        env,
        path: '/api/v1/auth/me',
        headers: { authorization: `Bearer ${accessToken}` },
      },
    ],
  });
  return goal('GET /me, of bare Express answering the same', rows[1].ratio, '≥ 0.80');
}

function head(title, load) {
  const place = hasTaskset() ? 'the service on a core of its own' : 'cores not pinned (no taskset)';
  console.log(
    `\n${title}\n${rounds} rounds of ${seconds} s each, ${load}, ${place}, Node ${process.version}\n`,
  );
}

function failOn(rows) {
  const failures = rows.reduce((sum, row) => sum + row.failures, 0);
  if (failures > 0) throw new Error(`${failures} requests failed: the figures mean nothing`);
}

function goal(what, value, wanted) {
  return `goal: ${what} ${wanted}: ${value < 10 ? value.toFixed(2) : Math.round(value)}`;
}

await onStage(['bare-me', 'raw-argon2', 'client'], measure);
