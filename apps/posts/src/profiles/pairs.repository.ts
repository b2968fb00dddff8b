import type { Queryable } from '@rostrum/data-access';
import type { Person } from './profile';

/** Somebody whose row is locked until the transaction is over. */
export interface LockedPerson extends Person {
  isPrivate: boolean;
  /** Suspended or deleted. */
  isGone: boolean;
  isDeleted: boolean;
}

/** How two people are to each other. */
export interface PairState {
  /** Either way. */
  blocked: boolean;
  follows: boolean;
  requested: boolean;
}

const columns = `user_id as id, username, is_private as "isPrivate",
  (suspended_at is not null or deleted_at is not null) as "isGone", deleted_at is not null as "isDeleted"`;

/**
 * Changes between two people come one after the other: whoever makes one has locked the rows of both first, in the order
 * of their ids, so that nobody waits in a ring, and all that is read then stays as it is until the transaction is over.
 */
export class PairsRepository {
  constructor(private readonly db: Queryable) {}

  /** The two who are meant, whichever of them there is. */
  async lock(personId: string, username: string): Promise<LockedPerson[]> {
    const { rows } = await this.db.query<LockedPerson>(
      'lock_pair',
      `select ${columns} from profiles where user_id = $1 or username = $2 order by user_id for no key update`,
      [personId, username],
    );
    return rows;
  }

  /** Somebody and all those with whom something changes for them at once. */
  async lockAll(ids: readonly string[]): Promise<LockedPerson[]> {
    const { rows } = await this.db.query<LockedPerson>(
      'lock_people',
      `select ${columns} from profiles where user_id = any($1) order by user_id for no key update`,
      [ids],
    );
    return rows;
  }

  /** Asked after the rows are locked, in a statement of its own: one that waited sees what was before it. */
  async stateOf(fromId: string, toId: string): Promise<PairState> {
    const { rows } = await this.db.query<PairState>(
      'find_pair',
      `select exists(select from blocks where blocker_id = $1 and blocked_id = $2)
                or exists(select from blocks where blocker_id = $2 and blocked_id = $1) as blocked,
              exists(select from follows where follower_id = $1 and followee_id = $2) as follows,
              exists(select from follow_requests where requester_id = $1 and target_id = $2) as requested`,
      [fromId, toId],
    );
    return rows[0] as PairState;
  }
}
