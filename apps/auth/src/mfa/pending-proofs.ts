import { hash, randomBytes } from 'node:crypto';
import type { Queryable, Row } from '@rostrum/data-access';

/** What somebody has begun to prove. A token of one kind is nothing to another. */
export type ProofKind =
  | 'sign-in'
  | 'passkey-registration'
  | 'passkey-sign-in'
  | 'passkey-proof'
  | 'oidc-sign-in'
  | 'oidc-sign-up'
  | 'oidc-link';

export interface NewProof {
  kind: ProofKind;
  userId?: string | undefined;
  state: object;
  seconds: number;
}

export interface PendingProof<State> {
  userId: string | null;
  state: State;
}

const tokenBytes = 32;

/** Proofs that take more than one request. What is stored is not enough to go on with one. */
export class PendingProofs {
  constructor(private readonly db: Queryable) {}

  /** The token that goes on with it. */
  async begin({ kind, userId, state, seconds }: NewProof): Promise<string> {
    const token = randomBytes(tokenBytes).toString('base64url');
    await this.db.query(
      'begin_proof',
      `insert into pending_proofs (token_hash, kind, user_id, state, expires_at)
       values ($1, $2, $3, $4, now() + $5 * interval '1 second')`,
      [hashOf(token), kind, userId ?? null, JSON.stringify(state), seconds],
    );
    return token;
  }

  /** Undefined where it is none of this kind, is over or was taken. */
  async find<State>(kind: ProofKind, token: string): Promise<PendingProof<State> | undefined> {
    const { rows } = await this.db.query<PendingProof<State> & Row>(
      'find_proof',
      `select user_id as "userId", state from pending_proofs
        where token_hash = $1 and kind = $2 and expires_at > now()`,
      [hashOf(token), kind],
    );
    return rows[0];
  }

  /** The same for one use: of two who come at once, one gets it. */
  async take<State>(kind: ProofKind, token: string): Promise<PendingProof<State> | undefined> {
    const { rows } = await this.db.query<PendingProof<State> & Row>(
      'take_proof',
      `delete from pending_proofs where token_hash = $1 and kind = $2 and expires_at > now()
       returning user_id as "userId", state`,
      [hashOf(token), kind],
    );
    return rows[0];
  }

  async removeOld(limit: number): Promise<number> {
    const { rowCount } = await this.db.query(
      'remove_proofs',
      `delete from pending_proofs where token_hash in (
         select token_hash from pending_proofs where expires_at < now() limit $1)`,
      [limit],
    );
    return rowCount;
  }
}

function hashOf(token: string): Buffer {
  return hash('sha256', token, 'buffer');
}
