import { startServer, type OwnServer } from '../servers/own-server';

export interface PostgresServerOptions {
  /** In PEM; without it connections are not protected. */
  tls?: { cert: string; key: string };
  settings?: Record<string, string | number>;
}

/** PostgreSQL with nothing in it but its superuser, whom the URL names. */
export function startPostgresServer(options: PostgresServerOptions = {}): Promise<OwnServer> {
  return startServer(['postgres', JSON.stringify(options)]);
}

/** A standby that follows the primary, whose superuser is given, and can be read from. */
export function startPostgresReplica(primary: Pick<OwnServer, 'url'>): Promise<OwnServer> {
  return startServer(['replica', JSON.stringify({ primary: primary.url })]);
}

export interface PgBouncerOptions {
  /** The superuser of the server behind it. */
  target: string;
  /** URLs of those who log in through it, besides. */
  logins: string[];
  /** Connections to the server, for each login and database. */
  poolSize?: number;
  settings?: Record<string, string | number>;
}

export interface PgBouncer extends OwnServer {
  /** The same login and database through the pooler. */
  urlFor(url: string): string;
}

/** PgBouncer in transaction mode, where each transaction may meet another server process. */
export async function startPgBouncer({ poolSize = 10, ...options }: PgBouncerOptions): Promise<PgBouncer> {
  const server = await startServer(['pgbouncer', JSON.stringify({ ...options, poolSize })]);
  const { host } = new URL(server.url);
  return { ...server, urlFor: (url) => Object.assign(new URL(url), { host }).href };
}
