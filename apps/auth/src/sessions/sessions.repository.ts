import type { Queryable, Row } from '@rostrum/data-access';
import { graceMs } from './refresh-rules';
import type {
  EndReason,
  FoundFamily,
  NewSession,
  RefreshedSession,
  Session,
  SessionMode,
  TokenFacts,
} from './session';

const listed = `id, user_id as "userId", created_at as "createdAt", used_at as "usedAt", expires_at as "expiresAt",
  mode, methods, client, address_sealed as "addressSealed"`;

/** With the roles of `u`. */
export const tokenFacts = (
  userId: string,
) => `u.roles, (select max(r.revoked_at)::float8 from revocations as r
  where r.kind = 'subject' and r.target = ${userId}::text) as "revokedUpTo",
  (select count(*)::int from signing_keys as k where k.revoked_at is not null) as "revokedKeys"`;

const whose = `s.id as "sessionId", s.user_id as "userId", u.username, ${tokenFacts('u.id')}, s.mode,
  s.expires_at as "expiresAt"`;
const goesOn = 's.ended_at is null and s.expires_at > now()';
const mayUse = 'u.suspended_at is null and u.deletion_requested_at is null';
const mostListed = 100;

interface Rotation {
  sessionId: string;
  /** The hashes that the token shown may be stored under. */
  hashes: readonly Buffer[];
  successorHash: Buffer;
  idleSeconds: number;
  mostRotations: number;
}

interface FamilyRow extends RefreshedSession {
  now: number;
  generation: number;
  rotations: number[];
  parentSpared: boolean;
  tokenHash: Buffer | null;
  isOver: boolean;
}

/** Which of somebody's sessions are meant. */
export interface SessionChoice {
  userId: string;
  /** This one alone. */
  only?: string | undefined;
  /** All but this one. */
  except?: string | undefined;
}

export class SessionsRepository {
  constructor(private readonly db: Queryable) {}

  /**
   * Undefined where the credentials are no longer what they were when they were checked. The lock makes whoever changes
   * them, or the roles, wait until this session is there: they find it when they end all sessions, and its tokens when
   * they revoke all tokens.
   */
  async insert(session: NewSession, credentialsVersion: number): Promise<TokenFacts | undefined> {
    const { id, userId, tokenHash, createdAt, expiresAt, endsAt, mode, methods, client, addressSealed } =
      session;
    const { rows } = await this.db.query<TokenFacts & Row>(
      'insert_session',
      `with u as (
         select id, roles from users where id = $2 and credentials_version = $11 and suspended_at is null for share
       ), session as (
         insert into sessions (id, user_id, token_hash, created_at, used_at, expires_at, ends_at, mode, methods,
                               client, address_sealed)
         select $1::uuid, u.id, $3::bytea, $4::timestamptz, $4::timestamptz, $5::timestamptz, $6::timestamptz, $7,
                $8::text[], $9, $10::bytea from u
         returning id
       )
       select ${tokenFacts('u.id')} from u, session`,
      [
        ...[id, userId, tokenHash, createdAt, expiresAt, endsAt, mode, methods, client],
        ...[addressSealed ?? null, credentialsVersion],
      ],
    );
    return rows[0];
  }

  /**
   * Exchanges the token in one statement, if it is the newest one of a session that goes on. Whatever ends the session
   * changes the same row: one of the two waits for the other and then sees what it has done.
   */
  async rotate(rotation: Rotation): Promise<RefreshedSession | undefined> {
    const { sessionId, hashes, successorHash, idleSeconds, mostRotations } = rotation;
    const { rows } = await this.db.query<RefreshedSession>(
      'rotate_refresh_token',
      `update sessions as s
          set generation = s.generation + 1, token_hash = $3, used_at = now(), parent_spared = false,
              expires_at = least(now() + $4 * interval '1 second', coalesce(s.ends_at, s.expires_at)),
              rotations = array(select at from unnest(s.rotations) as at
                                 where at > now() - ${graceMs} * interval '1 millisecond' order by at) || now()
         from users as u
        where s.id = $1 and u.id = s.user_id and s.token_hash = any($2) and ${goesOn} and ${mayUse}
          and (select count(*) from unnest(s.rotations) as at
                where at > now() - ${graceMs} * interval '1 millisecond') < $5
       returning ${whose}`,
      [sessionId, hashes, successorHash, idleSeconds, mostRotations],
    );
    return rows[0];
  }

  async findFamily(sessionId: string): Promise<FoundFamily | undefined> {
    const { rows } = await this.db.query<FamilyRow>(
      'find_refresh_family',
      `select ${whose}, s.token_hash as "tokenHash", s.generation, s.parent_spared as "parentSpared",
              not (${goesOn} and ${mayUse}) as "isOver", extract(epoch from now())::float8 * 1000 as now,
              array(select extract(epoch from at)::float8 * 1000 from unnest(s.rotations) as at order by at) as rotations
         from sessions as s join users as u on u.id = s.user_id where s.id = $1`,
      [sessionId],
    );
    return rows[0] && toFamily(rows[0]);
  }

  /** Whether this was the first time for this generation. */
  async spareParent(sessionId: string, generation: number): Promise<boolean> {
    const { rowCount } = await this.db.query(
      'spare_refresh_parent',
      `update sessions as s set parent_spared = true
        where s.id = $1 and s.generation = $2 and not s.parent_spared and ${goesOn}`,
      [sessionId, generation],
    );
    return rowCount > 0;
  }

  /** The ids of those that went on until now. */
  async end({ userId, only, except }: SessionChoice, reason: EndReason): Promise<string[]> {
    const { rows } = await this.db.query<{ id: string }>(
      'end_sessions',
      `update sessions as s set ended_at = now(), ended_because = $4
        where s.user_id = $1 and ($2::uuid is null or s.id = $2) and ($3::uuid is null or s.id <> $3) and ${goesOn}
       returning s.id`,
      [userId, only ?? null, except ?? null, reason],
    );
    return rows.map(({ id }) => id);
  }

  async list(userId: string): Promise<Session[]> {
    const { rows } = await this.db.query<Session>(
      'list_sessions',
      `select ${listed} from sessions as s where s.user_id = $1 and ${goesOn}
        order by s.created_at desc limit ${mostListed}`,
      [userId],
    );
    return rows;
  }

  /** Those beyond the newest so many of each person: nobody keeps more, and programs that sign in anew each time do. */
  async findExcess(most: number, limit: number): Promise<{ id: string; userId: string }[]> {
    const { rows } = await this.db.query<{ id: string; userId: string }>(
      'find_excess_sessions',
      `select id, user_id as "userId" from (
         select s.id, s.user_id, row_number() over (partition by s.user_id order by s.created_at desc) as place
           from sessions as s where ${goesOn}
       ) as ranked where place > $1 limit $2`,
      [most, limit],
    );
    return rows;
  }

  /** Removes what has been over for long enough that no access token of it can be in use any more. */
  async removeOver(seconds: number, limit: number): Promise<number> {
    const { rowCount } = await this.db.query(
      'remove_sessions',
      `delete from sessions where id in (
         select id from sessions
          where least(coalesce(ended_at, expires_at), expires_at) < now() - $1 * interval '1 second' limit $2)`,
      [seconds, limit],
    );
    return rowCount;
  }
}

function toFamily(row: FamilyRow): FoundFamily {
  const { now, generation, rotations, parentSpared, ...family } = row;
  return { ...family, mode: family.mode as SessionMode, state: { now, generation, rotations, parentSpared } };
}
