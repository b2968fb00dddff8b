import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { AbstractConnector, Redis as IoRedis } from 'ioredis';
import { asCluster, asRedis } from './cluster-client';
import type { Redis } from './redis';
import {
  connectionOptions,
  openCluster,
  openSingle,
  type ConnectionSettings,
  type RedisAddress,
  type RedisConnection,
} from './redis-servers';

type Origin = RedisConnection & { connectionName?: string; commandTimeoutMs: number };

/** How each client was opened: to open another to the same place. */
const origins = new WeakMap<Redis, Origin>();

export function rememberOrigin(redis: Redis, origin: Origin): void {
  origins.set(redis, origin);
}

export function originOf(redis: Redis): Origin {
  const origin = origins.get(redis);
  if (!origin) throw new Error('This client was not made by createRedis');
  return origin;
}

/** Another connection to where the client's are: in a cluster to whichever of its nodes answers. */
export function connectElsewhere(
  redis: Redis,
  { purpose, ...options }: ConnectionSettings & { purpose: string },
): IoRedis {
  const origin = originOf(redis);
  const { connectionName } = origin;
  const named = { ...options, ...(connectionName && { connectionName: `${connectionName}-${purpose}` }) };
  if (!('clusterNodes' in origin)) return openSingle(origin, named);
  const nodes = () => knownNodes(redis, origin.clusterNodes);
  return new IoRedis({
    ...connectionOptions(origin),
    ...named,
    Connector: class extends AnyNodeConnector {
      constructor() {
        super(nodes, origin.tls);
      }
    },
  });
}

/** Another client of the same place, for commands that wait. */
export function duplicateClient(
  redis: Redis,
  { purpose, ...options }: ConnectionSettings & { purpose: string },
): Redis {
  const origin = originOf(redis);
  const { connectionName } = origin;
  const named = { ...options, ...(connectionName && { connectionName: `${connectionName}-${purpose}` }) };
  const duplicate =
    'clusterNodes' in origin ? asRedis(openCluster(origin, named)) : openSingle(origin, named);
  rememberOrigin(duplicate, origin);
  return duplicate;
}

/** Those that the client knows by now; at first, those that it was told of. */
function knownNodes(redis: Redis, told: readonly RedisAddress[]): RedisAddress[] {
  const known = asCluster(redis)
    ?.nodes('all')
    .map(({ options: { host, port } }) => ({ host: host ?? 'localhost', port: port ?? 6379 }));
  return known && known.length > 0 ? known : [...told];
}

/** Connects to one node after another, beginning with any of them. */
class AnyNodeConnector extends AbstractConnector {
  private turn = Math.floor(Math.random() * 1_000);

  constructor(
    private readonly nodes: () => RedisAddress[],
    private readonly tls: RedisConnection['tls'],
  ) {
    super(200);
  }

  connect(): Promise<Socket> {
    this.connecting = true;
    const nodes = this.nodes();
    const node = nodes[this.turn++ % nodes.length];
    if (!node) return Promise.reject(new Error('The cluster has no nodes'));
    const stream = this.tls ? connectTls({ ...node, ...this.tls }) : connectTcp(node);
    stream.once('error', (error) => (this.firstError = error));
    this.stream = stream;
    return Promise.resolve(stream);
  }
}
