import type { Cache, Database } from '@rostrum/data-access';
import { MediaRemovalsRepository } from '../media/media-removals.repository';
import { PairsRepository } from '../profiles/pairs.repository';
import type { ViewerRelations } from '../visibility/viewer-relations';
import { ErasureRepository, type FollowDirection, type PersonalRows } from './erasure.repository';
import { PostRemovalRepository } from './post-removal.repository';
import type { PostRemoval } from './post-removal';

export interface ErasureParts {
  database: Database;
  removal: Pick<PostRemoval, 'remove'>;
  /** Profiles by name. */
  profiles: Pick<Cache, 'change'>;
  posts: Pick<Cache, 'change'>;
  relations: Pick<ViewerRelations, 'change'>;
  /** Home timelines: they know whom their owners follow. */
  timelines: { forget: (userIds: readonly string[]) => Promise<void> };
}

/** A part of what is kept of a person. Resolves to how much of it has gone, 0 where nothing was left. */
type Step = (userId: string, limit: number) => Promise<number>;

/** What names people and is counted nowhere. Whoever adds a table that does adds a line here. */
const plainRows: readonly PersonalRows[] = [
  { table: 'follow_requests', column: 'requester_id' },
  { table: 'follow_requests', column: 'target_id' },
  { table: 'bookmarks', column: 'user_id' },
  { table: 'post_mentions', column: 'user_id' },
  { table: 'drafts', column: 'author_id' },
  { table: 'feed_fanouts', column: 'author_id' },
  { table: 'feed_pulled_authors', column: 'author_id' },
  { table: 'person_reports', column: 'person_id' },
  { table: 'person_cases', column: 'person_id' },
  { table: 'idempotency_keys', column: 'user_id' },
];

/** What stays without its person: that a post was reported, and what moderators are at work on. */
const forgottenNames: readonly (PersonalRows & { more: string })[] = [
  { table: 'post_reports', column: 'reporter_id', more: 'note' },
  { table: 'person_reports', column: 'reporter_id', more: 'note' },
  { table: 'moderation_cases', column: 'claimed_by', more: 'claimed_until' },
];

const avoidances = [
  { table: 'blocks', column: 'blocker_id', other: 'blocked_id' },
  { table: 'blocks', column: 'blocked_id', other: 'blocker_id' },
  { table: 'mutes', column: 'muter_id', other: 'muted_id' },
  { table: 'mutes', column: 'muted_id', other: 'muter_id' },
] as const;

/** Takes away all that is kept of a person, table by table, with the counts that others have of it. */
export class Erasure {
  private readonly steps: readonly Step[];

  constructor(private readonly parts: ErasureParts) {
    this.steps = [
      (userId, limit) => this.posts(userId, limit),
      (userId, limit) => this.follows(userId, 'followers', limit),
      (userId, limit) => this.follows(userId, 'following', limit),
      (userId, limit) => this.reactions(userId, 'likes', limit),
      (userId, limit) => this.reactions(userId, 'reposts', limit),
      ...avoidances.map(
        (rows): Step =>
          (userId, limit) =>
            this.avoidances(userId, rows, limit),
      ),
      (userId, limit) => new MediaRemovalsRepository(parts.database).removeOfOwner(userId, limit),
      ...plainRows.map(
        (rows): Step =>
          (userId, limit) =>
            new ErasureRepository(parts.database).removeRows(userId, rows, limit),
      ),
      ...forgottenNames.map(
        (rows): Step =>
          (userId, limit) =>
            new ErasureRepository(parts.database).forgetNames(userId, rows, limit),
      ),
    ];
  }

  /** The next part. 0: nothing is left. */
  async eraseSome(userId: string, limit: number): Promise<number> {
    for (const step of this.steps) {
      const erased = await step(userId, limit);
      if (erased > 0) return erased;
    }
    return 0;
  }

  private async posts(userId: string, limit: number): Promise<number> {
    const { database, removal } = this.parts;
    return removal.remove(await new PostRemovalRepository(database).writtenBy(userId, limit));
  }

  private async follows(userId: string, direction: FollowDirection, limit: number): Promise<number> {
    const { database, profiles, timelines } = this.parts;
    const others = await new ErasureRepository(database).followsOf(userId, direction, limit);
    if (others.length === 0) return 0;
    const ids = others.map(({ id }) => id);
    await profiles.change(
      others.map(({ username }) => username),
      () =>
        database.transaction(async (trx) => {
          await new PairsRepository(trx).lockAll([userId, ...ids]);
          await new ErasureRepository(trx).removeFollows(userId, direction, ids);
          trx.onCommit(() => timelines.forget(direction === 'followers' ? ids : [userId]));
        }),
    );
    return ids.length;
  }

  private async reactions(userId: string, table: 'likes' | 'reposts', limit: number): Promise<number> {
    const { database, posts } = this.parts;
    const rows = { table, column: 'user_id', other: 'post_id' };
    const ids = await new ErasureRepository(database).othersOf(userId, rows, limit);
    if (ids.length === 0) return 0;
    await posts.change(ids, () =>
      database.transaction((trx) => new ErasureRepository(trx).removeReactions(userId, table, ids)),
    );
    return ids.length;
  }

  /** The lists that others' reads are decided by. */
  private async avoidances(
    userId: string,
    rows: (typeof avoidances)[number],
    limit: number,
  ): Promise<number> {
    const { database, relations } = this.parts;
    const others = await new ErasureRepository(database).othersOf(userId, rows, limit);
    if (others.length === 0) return 0;
    const { table, column, other } = rows;
    return relations.change([userId, ...others], () =>
      database.transaction((trx) =>
        new ErasureRepository(trx).removeRowsWith(userId, { table, column, other }, others),
      ),
    );
  }
}
