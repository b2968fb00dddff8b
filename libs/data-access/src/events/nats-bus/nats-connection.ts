import type { JetStreamClient, JetStreamManager, StreamConfig } from '@nats-io/jetstream';
import type { NatsConnection, NodeConnectionOptions } from '@nats-io/transport-node';
import { problems } from '@rostrum/errors';

export interface NatsConnectionOptions {
  /** `nats://user:password@host:port`, or `tls://…`. */
  servers: readonly string[];
  /** Shown in the server's list of connections. */
  name?: string;
  tlsCa?: string | undefined;
}

export interface JetStream {
  connection: NatsConnection;
  client: JetStreamClient;
  manager: JetStreamManager;
}

const requestTimeoutMs = 2_000;

/** One connection to NATS, made when it is first needed and made anew by itself for ever after. */
export class NatsLink {
  /** How often the connection was lost. */
  interruptions = 0;
  private opening: Promise<JetStream> | undefined;
  private opened: JetStream | undefined;
  private closed = false;
  private readonly streams = new Map<string, Promise<string>>();
  private readonly listeners = new Set<() => void>();

  constructor(private readonly options: NatsConnectionOptions) {}

  /** Rejects within the request's time where there is no server; the next call tries again. */
  async open(): Promise<JetStream> {
    if (this.opened) return this.opened;
    if (this.closed) throw new Error('The connection to NATS has been closed');
    this.opening ??= this.connect().finally(() => (this.opening = undefined));
    return this.opening;
  }

  /** Resolves to when the stream was made, which tells it from any other of its name. */
  ensureStream(config: Pick<StreamConfig, 'name'> & Partial<StreamConfig>): Promise<string> {
    const known = this.streams.get(config.name);
    if (known) return known;
    const ensuring = this.makeStream(config);
    this.streams.set(config.name, ensuring);
    ensuring.catch(() => this.streams.delete(config.name));
    return ensuring;
  }

  onInterruption(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.opening?.catch(ignore);
    if (!this.opened) return;
    // What was said last, acknowledgements above all, is sent first; without a server there is nobody to say it to.
    await withLimit(this.opened.connection.drain(), requestTimeoutMs).catch(ignore);
    await this.opened.connection.close();
  }

  private async connect(): Promise<JetStream> {
    // Loaded only where NATS is in use.
    const { connect } = await import('@nats-io/transport-node');
    const { jetstream, jetstreamManager } = await import('@nats-io/jetstream');
    const connection = await connect(this.connectOptions()).catch((error: unknown) => {
      throw natsUnavailable(error);
    });
    const settings = { timeout: requestTimeoutMs };
    const opened = {
      connection,
      client: jetstream(connection, settings),
      manager: await jetstreamManager(connection, { ...settings, checkAPI: false }),
    };
    this.opened = opened;
    void this.watch(connection);
    return opened;
  }

  private connectOptions(): NodeConnectionOptions {
    const urls = this.options.servers.map((server) => new URL(server));
    const [first] = urls;
    const { tlsCa } = this.options;
    const secure = first?.protocol === 'tls:' || tlsCa !== undefined;
    return {
      servers: urls.map(({ hostname, port }) => `${hostname}:${port || '4222'}`),
      ...(this.options.name !== undefined && { name: this.options.name }),
      ...(first?.username && {
        user: decodeURIComponent(first.username),
        pass: decodeURIComponent(first.password),
      }),
      ...(secure && { tls: tlsCa === undefined ? {} : { ca: tlsCa } }),
      maxReconnectAttempts: -1,
      reconnectTimeWait: 250,
      timeout: requestTimeoutMs,
      // A server that is silent for longer than two of these is as good as gone.
      pingInterval: 5_000,
      maxPingOut: 2,
    };
  }

  private async watch(connection: NatsConnection): Promise<void> {
    for await (const { type } of connection.status()) {
      if (type !== 'disconnect' && type !== 'reconnect') continue;
      // The server may have come back with nothing in it.
      this.streams.clear();
      this.interruptions += 1;
      for (const listener of this.listeners) listener();
    }
  }

  private async makeStream(config: Pick<StreamConfig, 'name'> & Partial<StreamConfig>): Promise<string> {
    const { manager } = await this.open();
    const { created } = await manager.streams.add(config).catch(async (error: unknown) => {
      if (!isApiError(error, streamNameInUse)) throw error;
      return manager.streams.update(config.name, config);
    });
    return created;
  }
}

const streamNameInUse = 10_058;

export function isApiError(error: unknown, code: number): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

export function natsUnavailable(cause: unknown): Error {
  return problems.unavailable('nats', 1, cause);
}

function ignore(): void {
  // Whoever needs it is told by the next call.
}

async function withLimit<T>(promise: Promise<T>, ms: number): Promise<T> {
  const limit = Promise.withResolvers<never>();
  const timer = setTimeout(() => limit.reject(natsUnavailable(new Error(`No answer for ${ms} ms`))), ms);
  try {
    return await Promise.race([promise, limit.promise]);
  } finally {
    clearTimeout(timer);
  }
}
