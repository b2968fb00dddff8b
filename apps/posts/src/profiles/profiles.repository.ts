import type { Person as PersonBody, ProfileChange, Relationship } from '@rostrum/contracts';
import { mapViolation, type Queryable, type QueryOptions } from '@rostrum/data-access';
import type { Person, Profile } from './profile';
import { profilesErrors } from './profiles.errors';

/** What lists of people show of `profiles a`; a `PersonRow`. */
export const personColumns = `a.user_id as id, a.username, a.display_name as "displayName", a.avatar_id as "avatarId"`;

/** Somebody in a list, and where in it they stand. */
export interface PersonRow extends PersonBody {
  position: string;
}

const profileColumns = `user_id as id, username, display_name as "displayName", bio, avatar_id as "avatarId",
  is_private as "isPrivate", followers, following, created_at as "createdAt",
  (suspended_at is not null or deleted_at is not null) as "isGone"`;

/** The read copy of auth's accounts, with what posts itself knows of them. */
export class ProfilesRepository {
  constructor(private readonly db: Queryable) {}

  /** Makes the row of a person whose token is here before the event of their registration. */
  async ensure({ id, username }: Person): Promise<void> {
    try {
      await this.db.query(
        'ensure_profile',
        `insert into profiles (user_id, username, created_at) values ($1, $2, now())
         on conflict (user_id) do nothing`,
        [id, username],
      );
    } catch (error) {
      throw mapViolation(error, { profiles_username_key: (cause) => profilesErrors.notReady(cause) });
    }
  }

  /** Takes over an account. Where its row is here before the event, only the event knows when the account began. */
  async copy({ id, username }: Person, registeredAt: string): Promise<void> {
    await this.db.query(
      'copy_profile',
      `insert into profiles (user_id, username, created_at) values ($1, $2, $3)
       on conflict (user_id) do update set created_at = excluded.created_at
         where profiles.created_at <> excluded.created_at and profiles.deleted_at is null`,
      [id, username, registeredAt],
    );
  }

  async findByUsername(username: string, options?: QueryOptions): Promise<Profile | undefined> {
    const { rows } = await this.db.query<Profile>(
      'find_profile',
      `select ${profileColumns} from profiles where username = $1`,
      [username],
      options,
    );
    return rows[0];
  }

  /** The profile as it is after the change, and whether the account was private before it. */
  async change(id: string, change: ProfileChange): Promise<Profile & { wasPrivate: boolean }> {
    const { displayName, bio, avatarId, isPrivate } = change;
    const { rows } = await this.db.query<Profile & { wasPrivate: boolean }>(
      'change_profile',
      `with before as (select user_id as before_id, is_private as was_private
                         from profiles where user_id = $1 for no key update)
       update profiles
          set display_name = case when $2 then $3 else display_name end,
              bio = case when $4 then $5 else bio end,
              avatar_id = case when $6 then $7::uuid else avatar_id end,
              is_private = coalesce($8, is_private)
         from before where user_id = before_id
       returning ${profileColumns}, was_private as "wasPrivate"`,
      [
        id,
        ...[displayName !== undefined, displayName ?? null],
        ...[bio !== undefined, bio ?? null],
        ...[avatarId !== undefined, avatarId ?? null],
        isPrivate ?? null,
      ],
    );
    const profile = rows[0];
    if (!profile) throw profilesErrors.notFound();
    return profile;
  }

  /** One for each id, in their order. */
  async relationships(
    viewerId: string,
    ids: readonly string[],
    options?: QueryOptions,
  ): Promise<Relationship[]> {
    const { rows } = await this.db.query<Relationship>(
      'find_relationships',
      `select wanted.id,
              exists(select from follows where follower_id = $1 and followee_id = wanted.id) as following,
              exists(select from follows where follower_id = wanted.id and followee_id = $1) as "followedBy",
              exists(select from follow_requests where requester_id = $1 and target_id = wanted.id) as requested,
              exists(select from follow_requests where requester_id = wanted.id and target_id = $1) as "requestedBy",
              exists(select from blocks where blocker_id = $1 and blocked_id = wanted.id) as blocked,
              exists(select from mutes where muter_id = $1 and muted_id = wanted.id) as muted
         from unnest($2::uuid[]) with ordinality as wanted (id, place) order by place`,
      [viewerId, ids],
      options,
    );
    return rows;
  }
}
