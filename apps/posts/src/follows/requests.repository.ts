import type { Queryable, QueryOptions } from '@rostrum/data-access';
import { v7 as uuidv7 } from 'uuid';
import { personColumns, type PersonRow } from '../profiles/profiles.repository';
import type { PageOfPeople } from './follows.repository';

export interface FollowRequest {
  requesterId: string;
  targetId: string;
}

const newest = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

/** Who waits to be let follow a private account. */
export class RequestsRepository {
  constructor(private readonly db: Queryable) {}

  /** The time of the request where it is new. */
  async add({ requesterId, targetId }: FollowRequest): Promise<Date | undefined> {
    const { rows } = await this.db.query<{ created_at: Date }>(
      'add_follow_request',
      `insert into follow_requests (requester_id, target_id, id) values ($1, $2, $3)
       on conflict do nothing returning created_at`,
      [requesterId, targetId, uuidv7()],
    );
    return rows[0]?.created_at;
  }

  /** Whether there was one. */
  async remove({ requesterId, targetId }: FollowRequest): Promise<boolean> {
    const { rowCount } = await this.db.query(
      'remove_follow_request',
      'delete from follow_requests where requester_id = $1 and target_id = $2',
      [requesterId, targetId],
    );
    return rowCount > 0;
  }

  async to(
    targetId: string,
    { after = newest, limit }: PageOfPeople,
    options?: QueryOptions,
  ): Promise<PersonRow[]> {
    const { rows } = await this.db.query<PersonRow>(
      'list_follow_requests',
      `select ${personColumns}, r.id as position
         from follow_requests r join profiles a on a.user_id = r.requester_id
        where r.target_id = $1 and r.id < $2 order by r.id desc limit $3`,
      [targetId, after, limit],
      options,
    );
    return rows;
  }
}
