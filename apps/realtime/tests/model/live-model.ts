import { randomUUID } from 'node:crypto';
import { createRedis, type Redis } from '@rostrum/data-access';
import { waitFor, type OwnServer } from '@rostrum/testing';
import { internalName } from '../../src/live/channel-names';
import { EventLog, type LogSettings } from '../../src/live/event-log';
import { textOf } from '../../src/live/live-event';
import type { Chance } from './chance';
import { ModelClient } from './model-client';
import { NearInstance, type ModelInstance } from './model-instance';
import { ProcessInstance } from './process-instance';

const weights = {
  publish: 50,
  burst: 4,
  connect: 20,
  hangUp: 6,
  subscribe: 12,
  unsubscribe: 3,
  kill: 1,
  cut: 3,
  hold: 1,
  heal: 8,
  trim: 3,
  forget: 1,
  breathe: 30,
};

type Step = keyof typeof weights | 'restart';

export interface ModelOptions {
  /** Of what happens more often than usual, or never. */
  weights?: Partial<typeof weights>;
  /** Of an instance that is a process of its own. */
  program?: string;
}

const publicChannels = ['user:me', 'post:0190a8a0-0000-7000-8000-000000000001', 'presence:ada'];

/** Clients, instances and a Redis to which things happen, and what the logs have held. */
export class LiveModel {
  readonly done: Partial<Record<Step, number>> = {};
  readonly clients: ModelClient[];
  processesKilled = 0;
  private instances: ModelInstance[] = [];
  private readonly publisher: Redis;
  private readonly log: EventLog;
  /** `channel epoch offset` → id, as those who published were told. */
  private readonly published = new Map<string, string>();
  private readonly underWay = new Set<Promise<unknown>>();

  constructor(
    private readonly server: OwnServer,
    private readonly settings: LogSettings,
    private readonly chance: Chance,
    private readonly options: ModelOptions = {},
  ) {
    this.publisher = createRedis({ url: server.url });
    this.log = new EventLog(this.publisher, settings);
    this.clients = Array.from({ length: 6 }, (_, i) => new ModelClient(`client_${i}`));
  }

  async begin(): Promise<void> {
    const { server, settings } = this;
    const { program } = this.options;
    const startNear = () => NearInstance.start(server.url, settings);
    this.instances = await Promise.all([
      startNear(),
      program ? ProcessInstance.start({ program, redisUrl: server.url, settings }) : startNear(),
    ]);
  }

  async perform(steps: number, restarts: number): Promise<void> {
    const restartEvery = Math.ceil(steps / (restarts + 1));
    const possible = { ...weights, ...this.options.weights };
    for (let i = 1; i <= steps; i += 1) {
      const step = i % restartEvery === 0 && i < steps ? 'restart' : this.chance.weighted(possible);
      this.done[step] = (this.done[step] ?? 0) + 1;
      await this.take(step);
    }
  }

  /** Everything is well again: each client has to come to where its channels are. */
  async settle(): Promise<void> {
    for (const { proxy } of this.instances) await proxy.heal();
    await Promise.all(this.underWay);
    await waitFor(async () => (await this.publisher.ping()) === 'PONG', { what: 'Redis' });
    for (const channel of this.internalChannels()) await this.publish(channel);
    for (const client of this.clients) {
      await waitFor(() => this.isAtTheEnd(client), {
        what: `${client.user.username} at the end of its channels`,
        timeoutMs: 20_000,
      });
    }
  }

  /** What is wrong, one line each. */
  findings(): string[] {
    const found = this.clients.flatMap(({ faults, user }) =>
      faults.map((fault) => `${user.username}: ${fault}`),
    );
    const seen = new Map(this.published);
    for (const { channels, user } of this.clients) {
      for (const [channel, { events }] of channels) {
        for (const [place, id] of events) {
          const key = `${internalName(channel, user.userId)} ${place}`;
          if ((seen.get(key) ?? id) !== id) found.push(`${user.username}: another event at ${key}`);
          seen.set(key, id);
        }
      }
    }
    return found;
  }

  get eventsReceived(): number {
    return this.clients
      .flatMap(({ channels }) => [...channels.values()])
      .reduce((sum, { events }) => sum + events.size, 0);
  }

  get gapsTold(): number {
    return this.clients
      .flatMap(({ channels }) => [...channels.values()])
      .reduce((sum, { gaps }) => sum + gaps, 0);
  }

  async end(): Promise<void> {
    for (const instance of this.instances) await instance.kill();
    this.publisher.disconnect();
  }

  private async take(step: Step): Promise<void> {
    const { chance } = this;
    switch (step) {
      case 'publish':
        this.begun(this.publish(chance.among(this.internalChannels())));
        return;
      case 'burst': {
        const channel = chance.among(this.internalChannels());
        for (let left = chance.below(this.settings.maxEvents * 2); left > 0; left -= 1)
          this.begun(this.publish(channel));
        return;
      }
      case 'connect':
        this.connect(chance.among(this.clients));
        return;
      case 'hangUp':
        this.hangUp(chance.among(this.clients));
        return;
      case 'subscribe':
        this.subscribe(chance.among(this.clients), chance.among(publicChannels));
        return;
      case 'unsubscribe':
        this.unsubscribe(chance.among(this.clients), chance.among(publicChannels));
        return;
      case 'kill':
        await this.killOne();
        return;
      case 'cut':
        chance.among(this.instances).proxy.reset();
        return;
      case 'hold':
        chance.among(this.instances).proxy.pause(chance.among(['both', 'toServer', 'toClient'] as const));
        return;
      case 'heal':
        await chance.among(this.instances).proxy.heal();
        return;
      case 'trim':
        this.begun(this.publisher.xtrim(this.keyOf('log'), 'MAXLEN', chance.below(5)));
        return;
      case 'forget':
        this.begun(this.publisher.del(this.keyOf('head'), this.keyOf('log')));
        return;
      case 'breathe':
        for (let left = chance.below(8); left > 0; left -= 1)
          await new Promise((resolve) => setImmediate(resolve));
        await this.log.positions([chance.among(this.internalChannels())]).catch(() => undefined);
        return;
      case 'restart':
        await this.server.kill();
        this.begun(this.publish(chance.among(this.internalChannels())));
        await this.server.restart();
    }
  }

  private async publish(channel: string): Promise<void> {
    const id = randomUUID();
    const event = { id, name: 'news', data: {}, time: new Date().toISOString() };
    const place = await this.log.append(channel, textOf(event));
    if (place) this.published.set(`${channel} ${place.epoch} ${place.offset}`, id);
  }

  private connect(client: ModelClient): void {
    if (client.connection) return;
    const instance = this.chance.among(this.instances);
    const connection = instance.admit(client);
    for (const channel of client.wanted) this.begun(instance.join(connection, channel));
  }

  private hangUp({ connection }: ModelClient): void {
    if (connection) this.instanceOf(connection)?.dismiss(connection);
  }

  private subscribe(client: ModelClient, channel: string): void {
    client.wanted.add(channel);
    const { connection } = client;
    if (connection) this.begun(this.instanceOf(connection)?.join(connection, channel) ?? Promise.resolve());
  }

  private unsubscribe(client: ModelClient, channel: string): void {
    client.wanted.delete(channel);
    const { connection } = client;
    if (connection) this.instanceOf(connection)?.leave(connection, channel);
  }

  private async killOne(): Promise<void> {
    const victim = this.chance.among(this.instances);
    this.instances = this.instances.filter((instance) => instance !== victim);
    await victim.kill();
    if (victim instanceof ProcessInstance) this.processesKilled += 1;
    this.instances.push(await victim.startAnother());
  }

  private instanceOf(connection: NonNullable<ModelClient['connection']>): ModelInstance | undefined {
    return this.instances.find(({ connections }) => connections.has(connection));
  }

  /** What does not succeed is asked for anew, as clients do. */
  private async isAtTheEnd(client: ModelClient): Promise<boolean> {
    this.connect(client);
    await Promise.all(this.underWay);
    const { connection } = client;
    if (!connection) return false;
    for (const channel of client.wanted) {
      if (!client.joined.has(channel)) await this.instanceOf(connection)?.join(connection, channel);
    }
    const wanted = [...client.wanted];
    const ends = await this.log.positions(wanted.map((channel) => internalName(channel, client.user.userId)));
    for (const [i, channel] of wanted.entries()) {
      const at = client.positionOf(channel);
      const end = ends[i];
      if (at?.epoch !== end?.epoch || at?.offset !== end?.offset) {
        throw new Error(`${channel}: at ${JSON.stringify(at)} of ${JSON.stringify(end)}`);
      }
    }
    return true;
  }

  private begun(work: Promise<unknown>): void {
    const settled = work.catch(() => undefined).finally(() => this.underWay.delete(settled));
    this.underWay.add(settled);
  }

  private internalChannels(): string[] {
    const [own = '', ...shared] = publicChannels;
    return [...this.clients.map(({ user }) => internalName(own, user.userId)), ...shared, ...shared];
  }

  private keyOf(part: 'head' | 'log'): string {
    return `realtime:{${this.chance.among(this.internalChannels())}}:${part}`;
  }
}
