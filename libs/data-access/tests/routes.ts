import { createTestDatabase, startPgBouncer, type TestDatabase } from '@rostrum/testing';
import { createDatabase, withClient, type Database, type DatabaseOptions } from '../src';
import { thingsMigrations } from './things';

/** A way to a database of the suite's own. What works by one has to work by the other. */
export interface Route {
  own: TestDatabase;
  pooled: boolean;
  /** As the service's own role. */
  url: string;
  /** Closed by `closeAll`. */
  open(options?: Partial<DatabaseOptions>): Database;
  closeAll(): Promise<void>;
  end(): Promise<void>;
}

async function direct(): Promise<Route> {
  const own = await createTestDatabase('alpha', thingsMigrations);
  return { own, pooled: false, url: own.url, ...opener({ url: own.url }), end: () => own.drop() };
}

async function throughPooler(): Promise<Route> {
  const own = await createTestDatabase('alpha', thingsMigrations);
  const pooler = await startPgBouncer({ target: own.adminUrl, logins: [own.url] });
  const options: DatabaseOptions = {
    url: pooler.urlFor(own.url),
    directUrl: own.url,
    pooler: 'transaction',
  };
  const end = async () => {
    await pooler.stop();
    await own.drop();
  };
  return { own, pooled: true, url: options.url, ...opener(options), end };
}

function opener(defaults: DatabaseOptions): Pick<Route, 'open' | 'closeAll'> {
  const opened: Database[] = [];
  return {
    open(options = {}) {
      const database = createDatabase({ ...defaults, ...options });
      opened.push(database);
      return database;
    },
    async closeAll() {
      await Promise.all(opened.splice(0).map((database) => database.close(100)));
    },
  };
}

export const routes: [name: string, connect: () => Promise<Route>][] = [
  ['directly', direct],
  ['through a pooler', throughPooler],
];

/** The same by each way, for which `%s` stands. What a test leaves in `things` is gone before the next. */
export function describeRoutes(what: string, tests: (on: { readonly route: Route }) => void): void {
  describe.each(routes)(what, (_name, connect) => {
    let route: Route;
    beforeAll(async () => {
      route = await connect();
    });
    afterEach(async () => {
      await route.closeAll();
      await withClient(route.own.adminUrl, (admin) => admin.query('truncate alpha.things restart identity'));
    });
    afterAll(() => route.end());
    tests({
      get route() {
        return route;
      },
    });
  });
}
