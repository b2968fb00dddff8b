import type { Queryable, QueryOptions } from '@rostrum/data-access';
import { pictureKey, uploadKey, type Media, type PendingMedia } from './media';

const columns = `id, owner_id as "ownerId", type, bytes, alt, width, height, post_id as "postId", is_avatar as "isAvatar"`;

/** Longer than anybody is ever busy with one picture: then somebody has died over it. */
const completingSeconds = 120;
/** How long an upload is kept that nobody completes; longer than pictures are that nobody uses. */
const uploadKeptSeconds = 25 * 3_600;
/** After an upload is completed its URL is good for a little longer. */
const uploadLeftSeconds = 3_600;
/** Longer than anybody is ever about it. */
const unfinishedKeptSeconds = 2 * 3_600;

export class MediaRepository {
  constructor(private readonly db: Queryable) {}

  /** With it, that what is uploaded goes some day whatever becomes of it. */
  async insert({ id, ownerId, type, bytes, alt }: PendingMedia): Promise<void> {
    await this.db.query(
      'insert_media',
      `with upload as (insert into media_removals (object_key, due_at)
                       values ($6, now() + make_interval(secs => $7)))
       insert into media (id, owner_id, type, bytes, alt) values ($1, $2, $3, $4, $5)`,
      [id, ownerId, type, bytes, alt, uploadKey(id), uploadKeptSeconds],
    );
  }

  /** As many as are in no post, up to `most`. */
  async countLoose(ownerId: string, most: number): Promise<number> {
    const { rows } = await this.db.query<{ count: number }>(
      'count_loose_media',
      `select count(*)::int as count
         from (select from media where owner_id = $1 and post_id is null and not is_avatar limit $2) few`,
      [ownerId, most],
    );
    return rows[0]?.count ?? 0;
  }

  /** Of those that are completed, in any order. */
  async list(ids: readonly string[], options?: QueryOptions): Promise<Media[]> {
    const { rows } = await this.db.query<Media>(
      'list_media',
      `select ${columns} from media where id = any($1) and completed_at is not null`,
      [ids],
      options,
    );
    return rows;
  }

  /** Also one that is not completed. */
  async isOwn(ownerId: string, id: string): Promise<boolean> {
    const { rowCount } = await this.db.query(
      'find_own_media',
      'select from media where id = $1 and owner_id = $2',
      [id, ownerId],
    );
    return rowCount > 0;
  }

  /**
   * Takes it upon oneself to complete it; undefined where that is done, or somebody else is about it. The picture that is
   * about to be written is noted to be removed, until it is finished: whoever dies before leaves no object for ever.
   */
  async begin(ownerId: string, id: string): Promise<PendingMedia | undefined> {
    const { rows } = await this.db.query<PendingMedia>(
      'begin_media',
      `with begun as (update media set completing_at = now()
                       where id = $1 and owner_id = $2 and completed_at is null
                         and (completing_at is null or completing_at < now() - make_interval(secs => $3))
                       returning ${columns}),
            noted as (insert into media_removals (object_key, due_at)
                      select $4, now() + make_interval(secs => $5) from begun
                      on conflict (object_key) do update set due_at = excluded.due_at)
       select * from begun`,
      [id, ownerId, completingSeconds, pictureKey(id), unfinishedKeptSeconds],
    );
    return rows[0];
  }

  /** It can be tried again at once. */
  async giveUp(id: string): Promise<void> {
    await this.db.query(
      'give_up_media',
      'update media set completing_at = null where id = $1 and completed_at is null',
      [id],
    );
  }

  async finish(
    id: string,
    size: { bytes: number; width: number; height: number },
  ): Promise<Media | undefined> {
    const { rows } = await this.db.query<Media>(
      'finish_media',
      `with finished as (update media set bytes = $2, width = $3, height = $4, completed_at = now(), touched_at = now()
                          where id = $1 and completed_at is null returning ${columns}),
            kept as (delete from media_removals where object_key = $5 and exists(select from finished)),
            upload as (update media_removals set due_at = now() + make_interval(secs => $7)
                        where object_key = $6 and due_at > now() + make_interval(secs => $7)
                          and exists(select from finished))
       select * from finished`,
      [id, size.bytes, size.width, size.height, pictureKey(id), uploadKey(id), uploadLeftSeconds],
    );
    return rows[0];
  }

  /**
   * Makes them parts of the post, all or none, and resolves to them in any order; undefined where one is used elsewhere by
   * now. Rows are locked in the order of their ids.
   */
  async claim(ownerId: string, postId: string, ids: readonly string[]): Promise<Media[] | undefined> {
    const { rows } = await this.db.query<Media>(
      'claim_media',
      `update media set post_id = $2, touched_at = now()
        where id in (select id from media
                      where id = any($3) and owner_id = $1 and completed_at is not null and not is_avatar
                        and (post_id is null or post_id = $2)
                      order by id for no key update)
        returning ${columns}`,
      [ownerId, postId, ids],
    );
    return rows.length === ids.length ? rows : undefined;
  }

  /** Undefined where it is in another post by now, or gone. */
  async describe(
    { id, ownerId, postId }: Pick<Media, 'id' | 'ownerId' | 'postId'>,
    alt: string,
  ): Promise<Media | undefined> {
    const { rows } = await this.db.query<Media>(
      'describe_media',
      `update media set alt = $4
        where id = $1 and owner_id = $2 and completed_at is not null and post_id is not distinct from $3
        returning ${columns}`,
      [id, ownerId, postId, alt],
    );
    return rows[0];
  }

  /** For a draft: they are not unused from now on. False where one cannot be used. */
  async touch(ownerId: string, ids: readonly string[]): Promise<boolean> {
    const { rowCount } = await this.db.query(
      'touch_media',
      `update media set touched_at = now()
        where id in (select id from media
                      where id = any($2) and owner_id = $1 and completed_at is not null and not is_avatar
                        and post_id is null
                      order by id for no key update)`,
      [ownerId, ids],
    );
    return rowCount === ids.length;
  }

  /** The one picture of a profile; the one before is unused from now on. False where this one cannot be used. */
  async makeAvatar(ownerId: string, id: string | null): Promise<boolean> {
    const { rowCount } = await this.db.query(
      'make_avatar',
      `with former as (update media set is_avatar = false, touched_at = now()
                        where owner_id = $1 and is_avatar and id is distinct from $2::uuid)
       update media set is_avatar = true, touched_at = now()
        where id = $2 and owner_id = $1 and completed_at is not null and post_id is null`,
      [ownerId, id],
    );
    return id === null || rowCount > 0;
  }
}
