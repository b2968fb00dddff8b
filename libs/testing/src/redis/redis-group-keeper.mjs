/**
 * Runs throw-away Redis servers that belong together, for a test that hurts them:  node redis-group-keeper.mjs sentinel|cluster
 * `sentinel`: a master, two replicas and three sentinels. `cluster`: three masters. Reads commands from its standard
 * input, one a line (start, pause, resume, kill, each with a member's name), and answers each with a line of JSON. The
 * end of the input ends everything, so that no server outlives its test.
 */
import fs from 'node:fs';
import path from 'node:path';
import readline from 'node:readline';
import { Redis } from 'ioredis';

const native = path.resolve(import.meta.dirname, '../../../../tools/native');
const { canConnect, freePort, isPortFree } = await import(path.join(native, 'ports.mjs'));
const { ended, hasEnded, spawnServer, tailOfFile } = await import(path.join(native, 'child-process.mjs'));
const { provideRedis } = await import(path.join(native, 'redis-binary.mjs'));
const { redisConfig } = await import(path.join(native, 'redis.mjs'));
const { waitUntil } = await import(path.join(native, 'wait-until.mjs'));
const { dataDir } = await import(path.join(native, 'workspace.mjs'));

const [kind = ''] = process.argv.slice(2);
const groups = { sentinel: startSentinelSet, cluster: startCluster };
if (!Object.hasOwn(groups, kind)) {
  process.stdout.write('Usage: node redis-group-keeper.mjs sentinel|cluster\n');
  process.exit(kind === '--help' ? 0 : 64);
}

const host = '127.0.0.1';
const masterName = 'main';
const slots = 16_384;
const testDir = path.join(dataDir, 'test');
fs.mkdirSync(testDir, { recursive: true });
const folder = fs.mkdtempSync(path.join(testDir, `own-redis-${kind}-`));
const binary = await provideRedis();
const members = new Map();

async function startSentinelSet() {
  const master = await addServer('redis-1');
  const replicas = ['redis-2', 'redis-3'].map((name) => addServer(name, { replicaof: [host, master.port] }));
  await Promise.all(replicas);
  await Promise.all(['sentinel-1', 'sentinel-2', 'sentinel-3'].map((name) => addSentinel(name, master.port)));
  // Before every sentinel knows the others and the replicas, there can be no failover.
  for (const { name, port } of members.values()) {
    if (!name.startsWith('sentinel')) continue;
    await asking(port, async (sentinel) => {
      await until(`${name} knowing all others`, async () => {
        const fields = await sentinel.call('SENTINEL', 'MASTER', masterName);
        const known = (field) => Number(fields[fields.indexOf(field) + 1]);
        return known('num-other-sentinels') === 2 && known('num-slaves') === 2;
      });
    });
  }
}

async function startCluster() {
  const names = ['redis-1', 'redis-2', 'redis-3'];
  const nodes = [];
  for (const name of names)
    nodes.push(await addServer(name, { 'cluster-enabled': 'yes', 'cluster-node-timeout': 1000 }));
  const share = Math.ceil(slots / nodes.length);
  for (const [index, { port }] of nodes.entries()) {
    await asking(port, async (node) => {
      const own = Array.from({ length: Math.min(share, slots - index * share) }, (_, i) => index * share + i);
      await node.call('CLUSTER', 'ADDSLOTS', ...own);
      await node.call('CLUSTER', 'SET-CONFIG-EPOCH', index + 1);
      await node.call('CLUSTER', 'MEET', host, nodes[0].port);
    });
  }
  for (const { name, port } of nodes) {
    await asking(port, (node) =>
      until(`${name} seeing the whole cluster`, async () => {
        const info = await node.call('CLUSTER', 'INFO');
        return info.includes('cluster_state:ok') && info.includes('cluster_known_nodes:3');
      }),
    );
  }
}

async function addServer(name, { replicaof, ...settings } = {}) {
  const member = { name, port: await unusedPort(), arguments: [] };
  const own = path.join(folder, name);
  fs.mkdirSync(own);
  member.configFile = path.join(own, 'redis.conf');
  const all = { port: member.port, bind: host, dir: own, save: '', appendonly: 'no', ...settings };
  // A replica gets its data over the connection, not by way of the disk.
  const quick = { 'repl-diskless-sync': 'yes', 'repl-diskless-sync-delay': 0 };
  const follow = replicaof ? `replicaof ${replicaof.join(' ')}\n` : '';
  fs.writeFileSync(member.configFile, redisConfig({ ...all, ...quick }) + follow);
  return start(member);
}

async function addSentinel(name, masterPort) {
  const member = { name, port: await unusedPort(), arguments: ['--sentinel'] };
  const own = path.join(folder, name);
  fs.mkdirSync(own);
  member.configFile = path.join(own, 'sentinel.conf');
  const lines = [
    `monitor ${masterName} ${host} ${masterPort} 2`,
    `down-after-milliseconds ${masterName} 2000`,
    `failover-timeout ${masterName} 5000`,
    `parallel-syncs ${masterName} 1`,
  ];
  const monitoring = lines.map((line) => `sentinel ${line}\n`).join('');
  fs.writeFileSync(member.configFile, redisConfig({ port: member.port, bind: host, dir: own }) + monitoring);
  return start(member);
}

/** A node of a cluster also takes the port ten thousand above its own. */
async function unusedPort() {
  for (;;) {
    const port = await freePort();
    const taken = [...members.values()].some((member) => member.port === port);
    if (!taken && (await isPortFree(port + 10_000, host))) return port;
  }
}

async function start(member) {
  members.set(member.name, member);
  if (member.child && !hasEnded(member.child)) return member;
  const logFile = path.join(path.dirname(member.configFile), 'server.log');
  member.child = spawnServer(binary.command, [member.configFile, ...member.arguments], {
    logFile,
    env: { ...process.env, ...binary.env },
  });
  await until(`the start of ${member.name}`, () => hasEnded(member.child) || canConnect(member.port));
  if (hasEnded(member.child)) throw new Error(`${member.name} ended: ${tailOfFile(logFile, 5)}`);
  return member;
}

async function asking(port, ask) {
  const client = new Redis({ host, port, enableReadyCheck: false, retryStrategy: () => 50 });
  client.on('error', () => {});
  try {
    return await ask(client);
  } finally {
    client.disconnect();
  }
}

const until = (what, check) => waitUntil(check, { timeoutMs: 60_000, what });

const commands = {
  start,
  pause: ({ child }) => child.kill('SIGSTOP'),
  resume: ({ child }) => child.kill('SIGCONT'),
  kill: async ({ child }) => {
    child.kill('SIGKILL');
    await ended(child);
  },
};

async function obey(line) {
  try {
    const [command, name] = line.split(' ');
    const member = members.get(name);
    if (!member) throw new Error(`There is no ${name}`);
    await commands[command](member);
    return {};
  } catch (error) {
    return { error: error.message };
  }
}

async function end() {
  const all = [...members.values()].filter(({ child }) => child && !hasEnded(child));
  await Promise.all(all.map((member) => commands.kill(member)));
  fs.rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  process.exit(0);
}

for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.once(signal, () => void end());

const say = (answer) => void process.stdout.write(`${JSON.stringify(answer)}\n`);
try {
  await groups[kind]();
  say({ masterName, members: [...members.values()].map(({ name, port }) => ({ name, host, port })) });
} catch (error) {
  say({ error: error.message });
  await end();
}
for await (const line of readline.createInterface({ input: process.stdin })) say(await obey(line));
await end();
