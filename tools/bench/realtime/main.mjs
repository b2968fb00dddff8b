/** npm run bench:realtime — what a socket costs while it is idle, what telling many costs, and how all come back. */
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { median } from '../table.mjs';
import { floor, variants, withAudience } from './audiences.mjs';
import { measureCrash, measureRollout } from './coming-back.mjs';
import { buildScripts } from './scripts.mjs';
import { measureStalled } from './stalled.mjs';

const { values } = parseArgs({
  options: {
    help: { type: 'boolean' },
    idle: { type: 'string', default: '10000' },
    subscribers: { type: 'string', default: '5000' },
    returning: { type: 'string', default: '10000' },
    rolling: { type: 'string', default: '2000' },
    stalled: { type: 'string', default: '200' },
    rounds: { type: 'string', default: '3' },
    only: { type: 'string' },
  },
});
if (values.help) {
  console.log(`npm run bench:realtime [-- --idle 10000 --subscribers 5000 --returning 10000 --rolling 2000 --stalled 200
  --rounds 3 --only memory|fan-out|crash|rollout|stalled]

Sockets on one core, their clients on the other. "bare ws" is the floor: the library alone, and one prepared frame that
is written to each connection; "our sockets" are those of the service without what is around them; "the service" is all
of it, told by Redis. Deliveries are counted per second of the server's CPU. "crash" kills a process and has its clients
come to another; "rollout" restarts two processes under load; "stalled" has clients that do not read for a minute. Ends
what it starts; fails when a client has missed something, or costs more than its bound.`);
  process.exit(0);
}

const [idle, subscribers, returning, rolling, stalled, rounds] = [
  values.idle,
  values.subscribers,
  values.returning,
  values.rolling,
  values.stalled,
  values.rounds,
].map(Number);
const burst = 100;
const paced = 60;
const settledAfterMs = 20_000;
const stalledSeconds = 60;
const wants = (what) => values.only === undefined || values.only === what;

/** KiB for each socket: after V8 has collected all it can, and as it stands by itself some time later. */
function measureMemory(variant) {
  return withAudience(variant, { count: idle, own: true }, async ({ server, base }) => {
    const kib = ({ rss }) => (rss - base) / idle / 1024;
    const settled = kib(await server.ask('rss'));
    await delay(settledAfterMs);
    return { settled, later: kib(await server.ask('rssNow')) };
  });
}

/** Deliveries per second of the server's CPU, and how long one takes when there are four events a second. */
function measureFanOut(variant) {
  return withAudience(variant, { count: subscribers }, async ({ server, clients, tell }) => {
    const perCpuSecond = async (order) => {
      const before = server.cpuSeconds();
      await tell(order);
      return (order.rounds * order.burst * subscribers) / (server.cpuSeconds() - before);
    };
    await tell({ rounds: 5, burst: 1 });
    const one = await perCpuSecond({ rounds: 200, burst: 1 });
    await tell({ rounds: 1, burst });
    const many = await perCpuSecond({ rounds: 3, burst });
    await clients.ask('time');
    for (let i = 0; i < paced; i += 1) {
      await tell({ rounds: 1, burst: 1 });
      await delay(200);
    }
    return { one, many, ...(await clients.ask('quantiles')) };
  });
}

/** Each variant once a round, in turns, so that what changes on the machine meets all of them. */
async function inTurns(measure) {
  const results = Object.fromEntries(variants.map((name) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const name of round % 2 === 0 ? variants : variants.toReversed()) {
      results[name].push(await measure(name));
    }
  }
  return results;
}

function print(title, results, { of, unit, digits = 0 }) {
  console.log(`\n${title}`);
  const samplesOf = (name) => results[name].map((result) => result[of]);
  for (const name of Object.keys(results)) {
    const samples = samplesOf(name);
    const ratio = median(samples.map((sample, round) => sample / samplesOf(floor)[round]));
    const show = (value) =>
      value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
    const spread = `${show(Math.min(...samples))}–${show(Math.max(...samples))}`;
    console.log(
      `  ${name.padEnd(14)} ${show(median(samples)).padStart(10)} ${unit}  (${spread})  ratio ${ratio.toFixed(2)}`,
    );
  }
}

await buildScripts();
if (wants('memory')) {
  const memory = await inTurns(measureMemory);
  const title = `RSS per idle socket at ${idle.toLocaleString('en')}`;
  print(`${title}, all garbage collected`, memory, { of: 'settled', unit: 'KiB', digits: 2 });
  print(`${title}, as it stands ${settledAfterMs / 1000} s later`, memory, {
    of: 'later',
    unit: 'KiB',
    digits: 2,
  });
}
if (wants('fan-out')) {
  const fanOut = await inTurns(measureFanOut);
  const everybody = subscribers.toLocaleString('en');
  const unit = 'deliveries per CPU second';
  print(`Events of 200 bytes to ${everybody}, one at a time`, fanOut, { of: 'one', unit });
  print(`The same in bursts of ${burst}`, fanOut, { of: 'many', unit });
  for (const of of ['p50', 'p99']) {
    print(`Four events a second to ${everybody}, ${of}`, fanOut, { of, unit: 'ms', digits: 1 });
  }
}
if (wants('crash')) await measureCrash(returning);
if (wants('rollout')) await measureRollout(rolling);
if (wants('stalled')) await measureStalled(stalled, stalledSeconds);
