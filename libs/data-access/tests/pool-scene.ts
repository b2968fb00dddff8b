import { createTestDatabase, startFaultProxy, type FaultProxy, type TestDatabase } from '@rostrum/testing';
import { createDatabase, type Database, type DatabaseOptions } from '../src';
import { thingsMigrations } from './things';

/** A database of the suite's own, and a proxy before it that does what networks do. */
export class PoolScene {
  // Both are there from `start` on, which comes before the first test.
  own!: TestDatabase;
  proxy!: FaultProxy;
  private readonly opened: Database[] = [];

  async start(): Promise<void> {
    this.own = await createTestDatabase('alpha', thingsMigrations);
    this.proxy = await startFaultProxy({ target: this.own.url });
  }

  /** Closed when the test is over. */
  open(options: Partial<DatabaseOptions> = {}): Database {
    const database = createDatabase({ url: this.own.url, ...options });
    this.opened.push(database);
    return database;
  }

  openThroughProxy(options: Partial<DatabaseOptions> = {}): Database {
    return this.open({ url: this.proxy.urlFor(this.own.url), ...options });
  }

  async endTest(): Promise<void> {
    await Promise.all(this.opened.splice(0).map((database) => database.close(100)));
    await this.proxy.heal();
  }

  async stop(): Promise<void> {
    await this.proxy.close();
    await this.own.drop();
  }
}

export function poolScene(): PoolScene {
  const scene = new PoolScene();
  beforeAll(() => scene.start());
  afterEach(() => scene.endTest());
  afterAll(() => scene.stop());
  return scene;
}

/** The server's process behind the connection that comes next. */
export const backend = async (database: Database) =>
  (await database.query<{ pid: number }>('backend', 'select pg_backend_pid() as pid')).rows[0]?.pid;
