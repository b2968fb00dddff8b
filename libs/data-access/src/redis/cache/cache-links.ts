import type { Cluster, Redis as IoRedis } from 'ioredis';
import { addressOf, asCluster } from '../cluster-client';
import { slotOf } from '../key-slot';
import type { Redis } from '../redis';
import { CacheLink } from './cache-link';

const tickMs = 250;
/** The first reads of a process wait so long for the first connection. */
const startLimitMs = 500;

/** The links of one client: one, or one for each node of a cluster that owns slots. */
export class CacheLinks {
  private readonly links = new Map<string, CacheLink>();
  private readonly nodes = new Map<string, IoRedis>();
  private readonly cluster: Cluster | undefined;
  private readonly only: CacheLink | undefined;
  /** Stands for the owner of slots that nobody owns. */
  private readonly nobody = new CacheLink(
    () => undefined,
    () => undefined,
  );
  private waiting: (() => void)[] | undefined = [];
  private readonly timers: NodeJS.Timeout[];

  constructor(
    redis: Redis,
    private readonly onTick: () => void,
  ) {
    this.cluster = asCluster(redis);
    this.only = this.cluster ? undefined : this.watch('', redis);
    if (this.cluster) this.watchNodes(this.cluster);
    this.timers = [
      setInterval(() => this.tick(), tickMs).unref(),
      setTimeout(() => this.start(), startLimitMs).unref(),
    ];
    redis.once('end', () => this.timers.forEach((timer) => clearTimeout(timer)));
  }

  /** Where the key is. */
  of(key: string): CacheLink {
    return this.only ?? this.ofSlot(slotOf(key));
  }

  /** The links of keys, with the keys that are there. */
  split(keys: Iterable<string>): Map<CacheLink, string[]> {
    const parts = new Map<CacheLink, string[]>();
    for (const key of keys) {
      const link = this.of(key);
      const part = parts.get(link);
      if (part) part.push(key);
      else parts.set(link, [key]);
    }
    return parts;
  }

  get isStarting(): boolean {
    return this.waiting !== undefined;
  }

  /** Runs the action when it is known whether Redis is there. */
  whenStarted(action: () => void): void {
    if (this.waiting) this.waiting.push(action);
    else action();
  }

  private ofSlot(slot: number): CacheLink {
    const owner = this.cluster?.slots[slot]?.[0];
    return owner === undefined ? this.nobody : (this.links.get(owner) ?? this.linkTo(owner));
  }

  private linkTo(address: string): CacheLink {
    const link = new CacheLink(
      () => this.nodes.get(address),
      () => this.startIfKnown(),
    );
    this.links.set(address, link);
    return link;
  }

  private watchNodes(cluster: Cluster): void {
    for (const node of cluster.nodes('all')) this.watch(addressOf(node), node);
    cluster.on('+node', (node: IoRedis) => this.watch(addressOf(node), node));
    cluster.on('ready', () => this.startIfKnown());
  }

  private watch(address: string, node: IoRedis): CacheLink {
    this.nodes.set(address, node);
    const link = this.links.get(address) ?? this.linkTo(address);
    node.on('ready', () => void link.probe());
    node.on('close', () => link.disconnected());
    if (node.status === 'ready') void link.probe();
    return link;
  }

  private startIfKnown(): void {
    if (!this.waiting || (this.cluster && this.cluster.status !== 'ready')) return;
    if (this.inUse().every((link) => link.hasStarted)) this.start();
  }

  private start(): void {
    const { waiting = [] } = this;
    this.waiting = undefined;
    for (const action of waiting) action();
  }

  private tick(): void {
    for (const link of this.inUse()) link.tick();
    this.onTick();
  }

  private inUse(): CacheLink[] {
    if (!this.cluster) return [...this.links.values()];
    return this.cluster.nodes('master').map((node) => {
      // Nodes are connected to when they are needed first.
      if (node.status === 'wait') void node.connect().catch(() => undefined);
      return this.links.get(addressOf(node)) ?? this.watch(addressOf(node), node);
    });
  }
}
