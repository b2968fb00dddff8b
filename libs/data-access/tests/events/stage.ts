import { createTestDatabase, waitFor, type TestDatabase } from '@rostrum/testing';
import {
  createDatabase,
  createOutbox,
  startConsumer,
  startRelay,
  withClient,
  type Consumer,
  type ConsumerOptions,
  type Database,
  type EventBus,
  type Outbox,
  type Relay,
  type RelayOptions,
} from '../../src';
import { thingsMigrations } from '../things';
import { engineKinds, newStream, type Engine } from './engines';
import { effect, group, schema } from './shared';

export const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

export interface Effect {
  key: string;
  name: string;
  member: string;
}

/** A service's database with its outbox, a stream of its own, and whatever of relays and consumers a test starts. */
export class EventStage {
  readonly stream = newStream();
  readonly bus: EventBus;
  private readonly outbox: Outbox;
  private readonly running: (Relay | Consumer)[] = [];
  private readonly databases: Database[] = [];

  private constructor(
    readonly own: TestDatabase,
    readonly database: Database,
    readonly engine: Engine,
    readonly partitions: number,
  ) {
    this.bus = engine.open({ partitions });
    this.outbox = createOutbox({ database, schema });
  }

  static async open(engine: Engine, { partitions = 3 } = {}): Promise<EventStage> {
    const own = await createTestDatabase(schema, thingsMigrations);
    return new EventStage(own, createDatabase({ url: own.url, max: 12 }), engine, partitions);
  }

  async close(): Promise<void> {
    await this.stopAll();
    await Promise.all([this.database, ...this.databases].map((database) => database.close(2_000)));
    await this.own.drop();
  }

  /** Transactions of this process that are in the middle of a handler, or of such a statement. */
  async inHandlers(applicationName: string, text = 'inbox'): Promise<number> {
    return withClient(this.own.adminUrl, async (admin) => {
      const { rowCount } = await admin.query(
        `select from pg_stat_activity
          where datname = current_database() and pid <> pg_backend_pid() and application_name like $1 || '%'
            and state in ('active', 'idle in transaction') and query like '%' || $2 || '%'`,
        [applicationName, text],
      );
      return rowCount ?? 0;
    });
  }

  async stopAll(): Promise<void> {
    await Promise.all(this.running.splice(0).map((part) => part.stop()));
  }

  async stop(part: Relay | Consumer): Promise<void> {
    this.running.splice(this.running.indexOf(part), 1);
    await part.stop();
  }

  /** Another pool, as another process has. */
  otherDatabase(applicationName: string): Database {
    const database = createDatabase({ url: this.own.url, applicationName, max: 12 });
    this.databases.push(database);
    return database;
  }

  relay(options: Partial<RelayOptions> = {}): Relay {
    const { database, bus, stream } = this;
    const relay = startRelay({ database, bus, schema, stream, ...options });
    this.running.push(relay);
    return relay;
  }

  consumer(options: Partial<ConsumerOptions> = {}): Consumer {
    const { database, bus, stream } = this;
    const member = options.member ?? 'one';
    const consumer = startConsumer({
      ...{ database, bus, schema, stream, group, member, blockMs: 100, retryMs: 5, leaseMs: 1_000 },
      handlers: { 'thing.happened': (event, trx) => effect(event, trx, member) },
      ...options,
    });
    this.running.push(consumer);
    return consumer;
  }

  /** One event for each name, in one transaction. */
  async publish(names: readonly string[], keyOf: (name: string) => string = () => 'k'): Promise<void> {
    await this.database.transaction(async (trx) => {
      for (const name of names) {
        const event = {
          type: 'thing.happened',
          version: 1,
          key: keyOf(name),
          payload: { name },
          traceparent,
        };
        await this.outbox.add(trx, event);
      }
    });
  }

  async publishUndone(name: string): Promise<void> {
    await this.database.transaction(async (trx) => {
      await this.outbox.add(trx, { type: 'thing.happened', version: 1, key: 'k', payload: { name } });
      throw new Error('undone');
    });
  }

  /** What handlers have done, in order. */
  async effects(): Promise<Effect[]> {
    const { rows } = await this.database.query<Effect & Record<string, unknown>>(
      'effects',
      'select key, name, member from effects order by position',
    );
    return rows;
  }

  async names(): Promise<string[]> {
    return (await this.effects()).map(({ name }) => name);
  }

  async count(): Promise<number> {
    const { rows } = await this.database.query<{ count: number }>(
      'effects.count',
      'select count(*)::int as count from effects',
    );
    return rows[0]?.count ?? 0;
  }

  /** The members that hold a partition now. */
  async owners(): Promise<Set<string>> {
    const { rows } = await this.database.query<{ owner: string }>(
      'owners',
      'select distinct owner from event_leases where owner is not null and expires_at > now()',
    );
    return new Set(rows.map(({ owner }) => owner));
  }

  /** Until so many effects are there, and the group is through with everything. */
  async untilDone(count: number, timeoutMs = 20_000): Promise<string[]> {
    const what = `${count} effects`;
    await waitFor(async () => (await this.count()) >= count, { timeoutMs, what });
    await this.untilIdle(timeoutMs);
    return this.names();
  }

  async untilIdle(timeoutMs = 20_000): Promise<void> {
    await waitFor(async () => (await this.bus.lag(this.stream, group)) === 0, {
      timeoutMs,
      what: 'a group that is through',
    });
  }

  /** How many events the stream holds, as far as it has not been trimmed. */
  async published(): Promise<number> {
    return this.engine.lengthOf(this.stream, this.partitions).catch(() => 0);
  }

  letters() {
    return this.bus.deadLetters(this.stream, group);
  }

  asAdmin(statements: string): Promise<unknown> {
    return withClient(this.own.adminUrl, (admin) =>
      admin.query(`set search_path = ${schema}; ${statements}`),
    );
  }
}

/** What a test finds: an engine that all of them share, and a stage of its own. */
export interface OnStage {
  readonly engine: Engine;
  readonly stage: EventStage;
}

/** The same of each engine; `$name` stands for it. */
export function describeEvents(what: string, tests: (at: OnStage) => void): void {
  describe.each(engineKinds)(what, ({ start }) => {
    let engine: Engine;
    let stage: EventStage;
    beforeAll(async () => {
      engine = await start();
    });
    beforeEach(async () => {
      stage = await EventStage.open(engine);
    });
    afterEach(() => stage.close());
    afterAll(() => engine.close());
    tests({
      get engine() {
        return engine;
      },
      get stage() {
        return stage;
      },
    });
  });
}

export const numbered = (total: number, from = 0): string[] =>
  Array.from({ length: total }, (_, index) => `n${from + index}`);

/** The order in which the events of each key took effect. */
export function byKey(effects: readonly Effect[]): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const { key, name } of effects) found.set(key, [...(found.get(key) ?? []), name]);
  return found;
}
