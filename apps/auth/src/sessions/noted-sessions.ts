import { arrayLiteral, textArrayParameter, withTextArrays, type Queryable } from '@rostrum/data-access';
import type { AuditRecord } from '../audit/audit-log';
import { gatherCalls } from '../gathered-calls';
import type { NewSession, TokenFacts } from './session';
import { tokenFacts } from './sessions.repository';

/** A session that begins, and what is written down of that. */
export interface NotedSession {
  session: NewSession;
  /** Of the account, when its password was found right. */
  credentialsVersion: number;
  event: AuditRecord;
  /** About a device that nobody has signed in on before. */
  mail: { id: string; details: Record<string, string> } | undefined;
}

interface InsertedRow extends TokenFacts {
  /** In the batch, from 1. */
  place: number;
}

const columns = [
  ...['id uuid', 'user_id uuid', 'token_hash bytea', 'created_at timestamptz', 'expires_at timestamptz'],
  ...['ends_at timestamptz', 'mode text', 'methods text', 'client text', 'address_sealed bytea'],
  ...['credentials_version integer', 'chain smallint', 'body text', 'mail_id uuid', 'mail_details text'],
].map((column) => column.split(' ') as [name: string, type: string]);

const arrays = columns.map(([, type], index) => textArrayParameter(index + 1, type)).join(', ');
const names = columns.map(([name]) => name).join(', ');

/**
 * Sessions with the events that say so, in one statement: neither is there without the other. And with a mail, where one
 * is given and it is not the first session. All people are locked before the first chain of the log, as everybody does
 * it, and chains in their order: so nobody waits in a ring.
 */
const insertion = (lock: string) => `
  with asked as (
    select * from unnest(${arrays}) with ordinality as asked(${names}, place)
  ), begun as materialized (
    select a.*, u.roles from asked as a
      join users as u on u.id = a.user_id and u.credentials_version = a.credentials_version
     where u.suspended_at is null order by u.id for ${lock}
  ), session as (
    insert into sessions (id, user_id, token_hash, created_at, used_at, expires_at, ends_at, mode, methods, client,
                          address_sealed)
    select id, user_id, token_hash, created_at, created_at, expires_at, ends_at, mode, methods::text[], client,
           address_sealed from begun
  ), event as (
    insert into audit_events (chain, body) select chain, body from begun order by chain, place
  ), mail as (
    insert into mail_jobs (id, kind, user_id, details)
    select mail_id, 'new-device', user_id, mail_details::jsonb from begun
     where mail_id is not null and exists (select 1 from sessions as s where s.user_id = begun.user_id)
  )
  select u.place::int as place, ${tokenFacts('u.user_id')} from begun as u`;

const statements = {
  together: { name: 'insert_noted_sessions', text: insertion('share of u skip locked') },
  alone: { name: 'insert_noted_session', text: insertion('share of u') },
};

/** Begins sessions: those of one turn of the event loop are one statement and one commit. */
export class NotedSessions {
  private readonly db: Pick<Queryable, 'query'>;
  private readonly insertTogether;

  constructor(db: Pick<Queryable, 'query'>) {
    this.db = withTextArrays(db);
    this.insertTogether = gatherCalls({
      all: (items: readonly NotedSession[]) => this.insertAll(items, statements.together),
    });
  }

  /**
   * Undefined where the credentials are no longer what they were when they were checked. The lock makes whoever changes
   * them, or the roles, wait until this session is there: they find it when they end all sessions, and its tokens when
   * they revoke all tokens. Who is being changed now is left out, and waits for that alone.
   */
  async insert(item: NotedSession): Promise<TokenFacts | undefined> {
    return (await this.insertTogether(item)) ?? (await this.insertAll([item], statements.alone))[0];
  }

  private async insertAll(
    items: readonly NotedSession[],
    { name, text }: { name: string; text: string },
  ): Promise<(TokenFacts | undefined)[]> {
    const values = items.map(valuesOf);
    const arraysOf = columns.map((_, column) => values.map((row) => row[column]));
    const { rows } = await this.db.query<InsertedRow>(name, text, arraysOf);
    const facts = new Map(rows.map(({ place, ...rest }) => [place, rest]));
    return items.map((_, index) => facts.get(index + 1));
  }
}

function valuesOf({ session, credentialsVersion, event, mail }: NotedSession): unknown[] {
  const { id, userId, tokenHash, createdAt, expiresAt, endsAt, mode, methods, client, addressSealed } =
    session;
  return [
    ...[id, userId, tokenHash, createdAt, expiresAt, endsAt, mode, arrayLiteral(methods), client],
    ...[addressSealed, credentialsVersion, event.chain, event.body],
    ...[mail?.id, mail && JSON.stringify(mail.details)],
  ];
}
