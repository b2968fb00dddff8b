import type { Client } from 'pg';
import { scramVerifier } from './scram';

export interface ProvisionedService {
  /** Names the schema, and the roles `rostrum_<name>_owner` and `rostrum_<name>`. */
  name: string;
  ownerPassword: string;
  appPassword: string;
  /** Connections that the app may have at a time, over all its processes; otherwise most of what the server has. */
  connectionLimit?: number;
}

/** The roles of a service: the owner changes tables and is used by migrations alone, the app works with rows. */
export function serviceRoles(service: string): { owner: string; app: string } {
  return { owner: `rostrum_${service}_owner`, app: `rostrum_${service}` };
}

/**
 * What holds for a session that says nothing else: a net below the limits that pool and migrator set by themselves,
 * and all there is for somebody who logs in by hand.
 */
const appSettings = {
  statement_timeout: '30s',
  // Shorter than the statement's own limit, so that the error says what it waited for.
  lock_timeout: '5s',
  // A transaction whose process is out of reach, or forgot it, holds locks that others wait for: after a route between
  // the two is lost, this is how long.
  idle_in_transaction_session_timeout: '15s',
};

const ownerSettings = {
  statement_timeout: '15min',
  // Everybody who wants the table queues up behind whoever waits to change it.
  lock_timeout: '1s',
  idle_in_transaction_session_timeout: '60s',
};

export async function ensureRoles(admin: Client, service: ProvisionedService): Promise<void> {
  if (!/^[a-z][a-z0-9_]{0,40}$/.test(service.name)) {
    throw new Error(
      `"${service.name}" cannot name a service: use lower-case letters, digits and underscores`,
    );
  }
  const { owner, app } = serviceRoles(service.name);
  const limits = await connectionLimits(admin);
  await ensureRole(admin, owner, { password: service.ownerPassword, connectionLimit: limits.owner });
  await ensureRole(admin, app, {
    password: service.appPassword,
    connectionLimit: service.connectionLimit ?? limits.app,
  });
  await setForRole(admin, owner, { search_path: service.name, ...ownerSettings });
  await setForRole(admin, app, { search_path: service.name, ...appSettings });
}

/** One service that opens connections without end must leave some for the others, and all some for an operator. */
async function connectionLimits(admin: Client): Promise<{ owner: number; app: number }> {
  const { rows } = await admin.query<{ usable: number }>(
    `select current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int as usable`,
  );
  const usable = rows[0]?.usable ?? 0;
  return {
    app: Math.max(5, Math.floor(usable * 0.6)),
    owner: Math.max(5, Math.min(20, Math.floor(usable / 5))),
  };
}

async function ensureRole(
  admin: Client,
  role: string,
  { password, connectionLimit }: { password: string; connectionLimit: number },
): Promise<void> {
  const { rowCount } = await admin.query('select from pg_roles where rolname = $1', [role]);
  const verb = rowCount ? 'alter' : 'create';
  const secret = admin.escapeLiteral(scramVerifier(password));
  await admin.query(
    `${verb} role ${role} login noinherit nocreatedb nocreaterole connection limit ${connectionLimit} password ${secret}`,
  );
  // Whoever is no superuser must be a member to hand a schema to the role; superusers gain nothing by it.
  await admin.query(`do $$ begin
    if not (select rolsuper from pg_roles where rolname = current_user) then
      execute format('grant ${role} to %I', current_user);
    end if;
  end $$`);
}

async function setForRole(admin: Client, role: string, settings: Record<string, string>): Promise<void> {
  for (const [name, value] of Object.entries(settings)) {
    await admin.query(`alter role ${role} set ${name} = '${value}'`);
  }
}
