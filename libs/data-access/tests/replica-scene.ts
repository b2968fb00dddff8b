import {
  createTestDatabase,
  startPostgresReplica,
  startPostgresServer,
  waitFor,
  type OwnServer,
  type TestDatabase,
} from '@rostrum/testing';
import {
  createDatabase,
  withClient,
  type Commit,
  type Database,
  type DatabaseOptions,
  type Queryable,
  type ReadEvent,
  type ReplicaChange,
} from '../src';
import { thingsMigrations } from './things';

/** A primary and two replicas, and what databases on them tell of each. */
export class ReplicaScene {
  // All three are there from `start` on, which comes before the first test.
  primary!: OwnServer;
  replicas!: readonly [OwnServer, OwnServer];
  own!: TestDatabase;
  changes: ReplicaChange[] = [];
  reads: ReadEvent[] = [];
  private readonly opened: Database[] = [];

  async start(): Promise<void> {
    this.primary = await startPostgresServer();
    this.own = await createTestDatabase('alpha', thingsMigrations, { adminUrl: this.primary.url });
    this.replicas = await Promise.all([
      startPostgresReplica(this.primary),
      startPostgresReplica(this.primary),
    ]);
  }

  /** The same login and database on another server. */
  at(server: OwnServer, url = this.own.url): string {
    return Object.assign(new URL(url), { host: new URL(server.url).host }).href;
  }

  create(options: Partial<DatabaseOptions> = {}): Database {
    const database = createDatabase({
      url: this.own.url,
      max: 4,
      replicaUrls: this.replicas.map((replica) => this.at(replica)),
      replicaLimits: { checkEveryMs: 30, checkTimeoutMs: 5_000, maxLagMs: 400 },
      hooks: {
        onReplicaChange: (change) => this.changes.push(change),
        onRead: (event) => this.reads.push(event),
      },
      ...options,
    });
    this.opened.push(database);
    return database;
  }

  async open(options: Partial<DatabaseOptions> = {}): Promise<Database> {
    const database = this.create(options);
    await whenUsable(database, 2);
    return database;
  }

  pauseReplay() {
    return this.onReplicas('select pg_wal_replay_pause()');
  }

  resumeReplay() {
    return this.onReplicas('select pg_wal_replay_resume() where pg_is_wal_replay_paused()');
  }

  /** Whatever was written before is on both replicas. */
  async caughtUp(): Promise<void> {
    const lsn = await withClient(this.own.adminUrl, async (admin) => {
      const { rows } = await admin.query<{ lsn: string }>('select pg_current_wal_flush_lsn()::text as lsn');
      return rows[0]?.lsn;
    });
    const check = `select bool_and(pg_last_wal_replay_lsn() >= '${lsn}') as done`;
    await waitFor(async () =>
      (await this.onReplicas(check)).every(({ rows }) => (rows[0] as { done: boolean }).done),
    );
  }

  async endTest(): Promise<void> {
    await Promise.all(this.opened.splice(0).map((database) => database.close(100)));
    await this.resumeReplay();
    await withClient(this.own.adminUrl, (admin) => admin.query('truncate alpha.things'));
    this.changes = [];
    this.reads = [];
  }

  async stop(): Promise<void> {
    await Promise.all([this.primary, ...this.replicas].map((server) => server.stop()));
  }

  private onReplicas(text: string) {
    const on = (replica: OwnServer) =>
      withClient(this.at(replica, this.own.adminUrl), (admin) => admin.query(text));
    return Promise.all(this.replicas.map(on));
  }
}

/** Three servers for the tests of a file. */
export function replicaScene(): ReplicaScene {
  const scene = new ReplicaScene();
  beforeAll(() => scene.start(), 120_000);
  afterEach(() => scene.endTest());
  afterAll(() => scene.stop());
  return scene;
}

export const nameOf = (server: OwnServer) => new URL(server.url).host;

export const usable = (database: Database) => database.replicaStats().filter((replica) => replica.usable);

export const whenUsable = (database: Database, count: number) =>
  waitFor(() => usable(database).length === count, { what: `${count} usable replicas` });

export async function write(database: Database, name: string): Promise<Commit> {
  const committed = Promise.withResolvers<Commit>();
  await database.transaction(async (trx) => {
    trx.onCommit(committed.resolve);
    await trx.query('things.add', 'insert into things (name) values ($1)', [name]);
  });
  return committed.promise;
}

export const namesBy = async (reader: Queryable) =>
  (await reader.query<{ name: string }>('things.list', 'select name from things order by name')).rows.map(
    ({ name }) => name,
  );
