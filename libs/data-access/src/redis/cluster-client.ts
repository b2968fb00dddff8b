import type { Cluster, Command, Redis as IoRedis } from 'ioredis';
import type { Redis } from './redis';

/** The client of a cluster passes for a `Redis`: it has the same commands. Only this library looks behind that. */
export function asRedis(cluster: Cluster): Redis {
  // What a cluster lacks (`stream`, `serverInfo`) belongs to a connection, of which it has one for each node.
  return cluster as unknown as Redis;
}

export function asCluster(redis: Redis): Cluster | undefined {
  return redis.isCluster ? (redis as unknown as Cluster) : undefined;
}

/** Asks every node that slots belong to. Rejects also when the client has no connection to one of them. */
export async function pingMasters(cluster: Cluster): Promise<void> {
  const owners = new Set(cluster.slots.map(([owner]) => owner));
  if (owners.size === 0) throw new Error('The cluster cannot be reached');
  const nodes = new Map<string, IoRedis>(cluster.nodes('all').map((node) => [addressOf(node), node]));
  await Promise.all(
    // Async, so that all are waited for: a refusal that nobody waits for would end the process.
    [...owners].map(async (owner = '') => {
      const node = nodes.get(owner);
      if (!node) throw new Error(`No connection to ${owner}`);
      await node.ping();
    }),
  );
}

/** As the client itself names its nodes. */
export function addressOf({ options: { host, port } }: IoRedis): string {
  return `${host}:${port}`;
}

/** Resolves when all masters that the client has come to know are connected to, or cannot be. */
export async function connectMasters(cluster: Cluster): Promise<void> {
  cluster.on('+node', (node: IoRedis) => void connectNode(node));
  await Promise.all(cluster.nodes('master').map(connectNode));
}

/** Else a node is connected to by the first command for it, and those behind that one are turned away. */
async function connectNode(node: IoRedis): Promise<void> {
  if (node.status === 'wait') await node.connect().catch(() => undefined);
  if (node.status !== 'connecting' && node.status !== 'connect') return;
  await new Promise((resolve) => node.once('ready', resolve).once('close', resolve));
}

/** Until it knows its nodes, a cluster's client would let commands and pipelines wait without limit. */
export function limitWaiting(cluster: Cluster, timeoutMs: number): void {
  const send = cluster.sendCommand;
  cluster.sendCommand = function (command: Command, stream, node) {
    command.setTimeout(timeoutMs);
    return send.call(cluster, command, stream, node);
  };
  const delay = cluster.delayUntilReady;
  cluster.delayUntilReady = function (callback) {
    const timer = setTimeout(() => settle(new Error('The cluster cannot be reached')), timeoutMs);
    let settled = false;
    const settle = (error?: Error | null) => {
      if (settled) return;
      settled = true;
      clearTimeout(timer);
      callback(error);
    };
    delay.call(cluster, settle);
  };
}
