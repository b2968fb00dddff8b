import type { Queryable } from './queryable';

export interface ConnectionPlan {
  /** Processes that connect in this way, as many as there ever are at once: of a rollout old and new. */
  processes: number;
  /** Connections that each may open. */
  perProcess: number;
  /** Left to others: other services, migrations, people. */
  reserve: number;
}

interface ServerLimits {
  most: number;
  kept: number;
  role_limit: number;
}

const limits = `
  select current_setting('max_connections')::int as most,
         current_setting('superuser_reserved_connections')::int
           + coalesce(current_setting('reserved_connections', true), '0')::int as kept,
         (select rolconnlimit from pg_roles where rolname = current_user) as role_limit`;

/** Why so many processes with so many connections each cannot work here, or undefined. Rejects when nobody answers. */
export async function connectionBudgetProblem(
  db: Queryable,
  plan: ConnectionPlan,
): Promise<string | undefined> {
  const { processes, perProcess, reserve } = plan;
  const wanted = processes * perProcess;
  const sum = `${processes} processes × ${perProcess} connections = ${wanted}`;
  const { rows } = await db.query<ServerLimits>('connection-limits', limits);
  const { most, kept, role_limit: roleLimit } = rows[0] as ServerLimits;
  const free = most - kept - reserve;
  if (wanted > free) {
    return `${sum}, more than the ${free} that PostgreSQL has for them: max_connections ${most} − ${kept} that it keeps back − ${reserve} in reserve`;
  }
  return roleLimit >= 0 && wanted > roleLimit
    ? `${sum}, more than the ${roleLimit} that the role may have`
    : undefined;
}
