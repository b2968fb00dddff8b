/** npm run bench:realtime — what a socket costs while it is idle, and what telling many of them costs. */
import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs, promisify } from 'node:util';
import { bundle } from '../../build/bundle.mjs';
import { median } from '../table.mjs';
import { startChild } from './children.mjs';
import { withService } from './service-stage.mjs';

const { values } = parseArgs({
  options: {
    help: { type: 'boolean' },
    idle: { type: 'string', default: '10000' },
    subscribers: { type: 'string', default: '5000' },
    rounds: { type: 'string', default: '3' },
    only: { type: 'string' },
  },
});
if (values.help) {
  console.log(`npm run bench:realtime [-- --idle 10000 --subscribers 5000 --rounds 3 --only memory|fan-out|paced]

Sockets on one core, their clients on the other. "bare ws" is the floor: the library alone, and one prepared frame that
is written to each connection. Deliveries are counted per second of the server's CPU. Ends what it starts.`);
  process.exit(0);
}

const root = path.resolve(import.meta.dirname, '../../..');
const outdir = path.join(root, 'dist/bench/realtime');
const serverCore = 0;
const clientCore = 1;
const idle = Number(values.idle);
const subscribers = Number(values.subscribers);
const rounds = Number(values.rounds);
const burst = 100;
const wants = (what) => values.only === undefined || values.only === what;
const variants = { 'bare ws': 'serve-bare', 'our sockets': 'serve-sockets' };
const wholeService = 'the service';
const hello = JSON.stringify({ type: 'subscribe', channel: 'user:me' });

async function build(names) {
  const folder = path.join(root, 'apps/realtime/bench');
  const { files } = await bundle(names.map((name) => ({ in: path.join(folder, `${name}.ts`), out: name })));
  mkdirSync(outdir, { recursive: true });
  for (const [name, bytes] of Object.entries(files)) writeFileSync(path.join(outdir, name), bytes);
  // Of the built service only the migrations are used: JavaScript, as the database is made with.
  const app = [
    path.join(root, 'tools/build/app.mjs'),
    'apps/realtime',
    '--out',
    path.join(outdir, 'service'),
  ];
  await promisify(execFile)(process.execPath, app, { cwd: root });
}

const script = (name) => path.join(outdir, `${name}.js`);

/** Starts a server and its clients, and ends both whatever `work` does. */
async function withCrowd(variant, count, work) {
  const server = await startChild(script(variants[variant]), { core: serverCore, says: true });
  const clients = await startChild(script('clients'), { core: clientCore });
  try {
    const { rss: base } = await server.ask('rss');
    await clients.ask('open', { port: server.hello.port, count, expected: 0 });
    // The last handshakes may have been answered before they were done with.
    await delay(200);
    return await work({ server, clients, base });
  } finally {
    await clients.stop();
    await server.stop();
  }
}

async function measureMemory(variant) {
  return withCrowd(variant, idle, async ({ server, base }) => {
    const { rss } = await server.ask('rss');
    return (rss - base) / idle / 1024;
  });
}

/** Everybody signed in with a token of their own, welcomed, and subscribed to their notifications. */
async function measureService() {
  return withService(
    { script, serverCore, clientCore, people: idle },
    async ({ server, clients, tokens }) => {
      const { rss: base } = await server.ask('rss');
      await clients.ask('open', { port: server.hello.port, count: idle, tokens, hello, expected: 2 });
      const { rss } = await server.ask('rss');
      return (rss - base) / idle / 1024;
    },
  );
}

/** Deliveries per second of the server's CPU. */
async function measureFanOut(variant, { bursts, size }) {
  return withCrowd(variant, subscribers, async ({ server, clients }) => {
    await server.ask('broadcast', { rounds: 2, burst: size });
    await clients.ask('reset');
    const before = server.cpuSeconds();
    const [deliveries] = [bursts * size * subscribers];
    const all = clients.ask('reached', { frames: deliveries });
    await server.ask('broadcast', { rounds: bursts, burst: size });
    await all;
    return deliveries / (server.cpuSeconds() - before);
  });
}

/** How long an event takes to all subscribers, four a second. */
async function measurePaced(variant) {
  return withCrowd(variant, subscribers, async ({ server, clients }) => {
    await server.ask('broadcast', { rounds: 5, burst: 1 });
    await clients.ask('time');
    const events = 20;
    for (let i = 0; i < events; i += 1) {
      await server.ask('broadcast', { rounds: 1, burst: 1 });
      await delay(200);
    }
    await clients.ask('reached', { frames: events * subscribers });
    return clients.ask('quantiles');
  });
}

/** Each variant once a round, in turns, so that what changes on the machine meets all of them. */
async function inTurns(measure) {
  const results = Object.fromEntries(Object.keys(variants).map((name) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    const order = round % 2 === 0 ? Object.keys(variants) : Object.keys(variants).reverse();
    for (const name of order) results[name].push(await measure(name));
  }
  return results;
}

function print(title, results, { unit, digits = 0 }) {
  const floor = results['bare ws'];
  console.log(`\n${title}`);
  for (const [name, samples] of Object.entries(results)) {
    const ratio = median(samples.map((sample, round) => sample / floor[round % floor.length]));
    const show = (value) =>
      value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
    const spread = `${show(Math.min(...samples))}–${show(Math.max(...samples))}`;
    console.log(
      `  ${name.padEnd(14)} ${show(median(samples)).padStart(10)} ${unit}  (${spread})  ratio ${ratio.toFixed(2)}`,
    );
  }
}

await build(['serve-bare', 'serve-sockets', 'serve-service', 'stage', 'clients']);
if (wants('memory')) {
  const memory = { ...(await inTurns(measureMemory)), [wholeService]: [await measureService()] };
  print(`RSS per idle socket at ${idle.toLocaleString('en')}`, memory, { unit: 'KiB', digits: 2 });
}
if (wants('fan-out')) {
  const one = await inTurns((name) => measureFanOut(name, { bursts: 20, size: 1 }));
  print(`Events of 200 bytes to ${subscribers.toLocaleString('en')}, one at a time`, one, {
    unit: 'deliveries per CPU second',
  });
  const many = await inTurns((name) => measureFanOut(name, { bursts: 2, size: burst }));
  print(`The same in bursts of ${burst}`, many, { unit: 'deliveries per CPU second' });
}
if (wants('paced')) {
  const paced = await inTurns(measurePaced);
  for (const quantile of ['p50', 'p99']) {
    const each = Object.entries(paced).map(([name, list]) => [name, list.map((one) => one[quantile])]);
    print(
      `Four events a second to ${subscribers.toLocaleString('en')}, ${quantile}`,
      Object.fromEntries(each),
      {
        unit: 'ms',
        digits: 1,
      },
    );
  }
}
