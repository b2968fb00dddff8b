import {
  createGatheredRead,
  type GatheredRead,
  type Queryable,
  type QueryOptions,
} from '@rostrum/data-access';

export interface RelationsRow {
  viewer: string;
  /** Blocked either way. */
  blocked: string[];
  muted: string[];
}

interface PairRow {
  pair: string;
  blocked: boolean;
  muted: boolean;
}

/** Two ids in one, since reads are gathered by one key. */
const pairOf = (viewerId: string, otherId: string) => viewerId + otherId;

/** Who has blocked, muted and followed whom. Reads of one turn of the event loop are one statement. */
export class RelationsRepository {
  /** A viewer's blocks and mutes; of each, no more than `most` and one. */
  readonly ofViewer: GatheredRead<string, RelationsRow>;
  private readonly ofPair: GatheredRead<string, PairRow>;
  private readonly follow: GatheredRead<string, { pair: string }>;

  constructor(db: Queryable, most: number) {
    this.ofViewer = createGatheredRead<string, RelationsRow>({
      db,
      name: 'find_relations',
      text: `select viewer::text,
                    array(select blocked_id::text from blocks where blocker_id = viewer
                          union all
                          select blocker_id::text from blocks where blocked_id = viewer limit ${most + 1}) as blocked,
                    array(select muted_id::text from mutes where muter_id = viewer limit ${most + 1}) as muted
               from unnest($1::uuid[]) viewer`,
      keyOf: ({ viewer }) => viewer,
    });
    this.ofPair = createGatheredRead<string, PairRow>({
      db,
      name: 'find_relations_with',
      text: `select pair,
                    exists(select from blocks where blocker_id = one and blocked_id = other)
                      or exists(select from blocks where blocker_id = other and blocked_id = one) as blocked,
                    exists(select from mutes where muter_id = one and muted_id = other) as muted
               from (select pair, left(pair, 36)::uuid as one, right(pair, 36)::uuid as other
                       from unnest($1::text[]) pair) pairs`,
      keyOf: ({ pair }) => pair,
    });
    this.follow = createGatheredRead<string, { pair: string }>({
      db,
      name: 'find_follows',
      text: `select follower_id::text || followee_id::text as pair
               from unnest($1::text[]) pair
               join follows on follower_id = left(pair, 36)::uuid and followee_id = right(pair, 36)::uuid`,
      keyOf: ({ pair }) => pair,
    });
  }

  async between(
    viewerId: string,
    otherId: string,
    options?: QueryOptions,
  ): Promise<{ blocked: boolean; muted: boolean }> {
    return (await this.ofPair(pairOf(viewerId, otherId), options)) ?? { blocked: false, muted: false };
  }

  async follows(viewerId: string, authorId: string, options?: QueryOptions): Promise<boolean> {
    return (await this.follow(pairOf(viewerId, authorId), options)) !== undefined;
  }
}
