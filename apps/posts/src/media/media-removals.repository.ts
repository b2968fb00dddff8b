import type { Queryable } from '@rostrum/data-access';

/**
 * What is to be removed from the store. It is noted in the statement that removes the row of a picture, and forgotten
 * when the object is gone: whoever dies between leaves the note.
 */
export class MediaRemovalsRepository {
  constructor(private readonly db: Queryable) {}

  /** Pictures that for so long have been in no post, draft or profile. Resolves to how many there were. */
  async removeUnused(keptSeconds: number, limit: number): Promise<number> {
    return this.remove(
      'unused',
      `id in (select id from media m
               where post_id is null and not is_avatar and touched_at < now() - make_interval(secs => $1)
                 and not exists (select from drafts d where d.author_id = m.owner_id and m.id = any(d.media))
               order by touched_at limit $2 for update skip locked)`,
      [keptSeconds, limit],
    );
  }

  async removeOfPosts(postIds: readonly string[]): Promise<number> {
    return this.remove('of_posts', 'post_id = any($1)', [postIds]);
  }

  async removeOfOwner(ownerId: string, limit: number): Promise<number> {
    const some = 'id in (select id from media where owner_id = $1 limit $2 for update)';
    return this.remove('of_owner', some, [ownerId, limit]);
  }

  async due(limit: number): Promise<string[]> {
    const { rows } = await this.db.query<{ key: string }>(
      'list_due_removals',
      'select object_key as key from media_removals where due_at <= now() order by due_at limit $1',
      [limit],
    );
    return rows.map(({ key }) => key);
  }

  async done(key: string): Promise<void> {
    await this.db.query('finish_removal', 'delete from media_removals where object_key = $1', [key]);
  }

  async putOff(key: string, seconds: number): Promise<void> {
    await this.db.query(
      'put_off_removal',
      'update media_removals set due_at = now() + make_interval(secs => $2) where object_key = $1',
      [key, seconds],
    );
  }

  /** Those that are due. */
  async waiting(): Promise<number> {
    const { rows } = await this.db.query<{ waiting: number }>(
      'count_removals',
      'select count(*)::int as waiting from media_removals where due_at <= now()',
    );
    return rows[0]?.waiting ?? 0;
  }

  /** Where one is being completed right now the object is noted already, for when that is over. */
  private async remove(which: string, condition: string, values: readonly unknown[]): Promise<number> {
    const { rows } = await this.db.query<{ count: number }>(
      `remove_media_${which}`,
      `with gone as (delete from media where ${condition} returning id),
            noted as (insert into media_removals (object_key, due_at)
                      select 'media/' || id, now() from gone
                      on conflict (object_key) do nothing)
       select count(*)::int as count from gone`,
      values,
    );
    return rows[0]?.count ?? 0;
  }
}
