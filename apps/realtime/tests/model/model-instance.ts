import { startFaultProxy, type FaultProxy } from '@rostrum/testing';
import type { LogSettings } from '../../src/live/event-log';
import { LivePart } from './live-part';
import type { ModelClient, ModelConnection } from './model-client';

/** Something that clients connect to, with a network of its own to Redis. */
export interface ModelInstance {
  readonly proxy: FaultProxy;
  readonly connections: ReadonlySet<ModelConnection>;
  admit(client: ModelClient): ModelConnection;
  join(connection: ModelConnection, channel: string): Promise<void>;
  leave(connection: ModelConnection, channel: string): void;
  /** The client hangs up. */
  dismiss(connection: ModelConnection): void;
  /** Nobody is told anything, neither the clients nor Redis. */
  kill(): Promise<void>;
  /** Another of its kind. */
  startAnother(): Promise<ModelInstance>;
}

/** The live part of a process in this process, so that whatever happens to it happens at that very moment. */
export class NearInstance implements ModelInstance {
  readonly connections = new Set<ModelConnection>();
  private isDead = false;

  private constructor(
    readonly proxy: FaultProxy,
    private readonly part: LivePart,
    readonly startAnother: () => Promise<ModelInstance>,
  ) {}

  static async start(redisUrl: string, settings: LogSettings): Promise<ModelInstance> {
    const proxy = await startFaultProxy({ target: redisUrl });
    const part = await LivePart.start(proxy.urlFor(redisUrl), settings);
    return new NearInstance(proxy, part, () => NearInstance.start(redisUrl, settings));
  }

  admit(client: ModelClient): ModelConnection {
    const connection = client.connect();
    this.connections.add(connection);
    return connection;
  }

  async join(connection: ModelConnection, channel: string): Promise<void> {
    const { client } = connection;
    const attempt = client.ask(channel);
    try {
      await this.part.subscriptions.join(connection, { channel, since: client.positionOf(channel) });
    } catch {
      client.refuse(channel, attempt);
    }
  }

  leave(connection: ModelConnection, channel: string): void {
    connection.client.joined.delete(channel);
    try {
      this.part.subscriptions.leave(this.part.subscriptions.membershipOf(connection, channel));
    } catch {
      // It had not got so far.
    }
  }

  dismiss(connection: ModelConnection): void {
    this.connections.delete(connection);
    connection.client.cut();
    this.part.subscriptions.leaveAll(connection);
  }

  async kill(): Promise<void> {
    if (this.isDead) return;
    this.isDead = true;
    for (const { client } of this.connections) client.cut();
    await this.proxy.close();
    this.part.close();
  }
}
