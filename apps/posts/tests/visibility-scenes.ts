import { randomUUID } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';
import type { Caller, PostsApp } from './posts-app';

/** How a viewer is to every author of the scenes. */
export const viewers = [
  'author',
  'stranger',
  'follower',
  'blocker',
  'blocked',
  'muter',
  'mutingFollower',
  'mentioned',
] as const;

export type Viewer = (typeof viewers)[number];
export type Seen = 'shown' | 'tombstone' | 'absent';

interface Kind {
  /** What each viewer sees of the post, by itself; `viewers` in their order: S shown, T tombstone, - absent. */
  seen: string;
  post?: { visibility?: string; hidden_at?: string; deleted_at?: string };
  profile?: { is_private?: boolean; suspended_at?: string; deleted_at?: string };
}

const past = '2026-01-01T00:00:00Z';

/** Every kind of post, and who sees it. The columns: author, stranger, follower, blocker, blocked, muter, both, mentioned. */
export const kinds = {
  public: { seen: 'SSS--SSS' },
  forFollowers: { seen: 'S-S---S-', post: { visibility: 'followers' } },
  forMentioned: { seen: 'S------S', post: { visibility: 'mentioned' } },
  ofPrivateAccount: { seen: 'S-S---S-', profile: { is_private: true } },
  forMentionedOfPrivateAccount: {
    seen: 'S------S',
    post: { visibility: 'mentioned' },
    profile: { is_private: true },
  },
  hidden: { seen: '--------', post: { hidden_at: past } },
  hiddenAndDeleted: { seen: '--------', post: { hidden_at: past, deleted_at: past } },
  deleted: { seen: 'TTT--TTT', post: { deleted_at: past } },
  deletedForFollowers: { seen: 'T-T---T-', post: { visibility: 'followers', deleted_at: past } },
  ofSuspendedAuthor: { seen: 'S-------', profile: { suspended_at: past } },
  ofDeletedAuthor: { seen: 'S-------', profile: { deleted_at: past } },
} satisfies Record<string, Kind>;

export type KindName = keyof typeof kinds;

const letters: Record<string, Seen> = { S: 'shown', T: 'tombstone', '-': 'absent' };

export function expectedOf(kind: KindName, viewer: Viewer): Seen {
  return letters[kinds[kind].seen[viewers.indexOf(viewer)] ?? ''] ?? 'absent';
}

/** A post of a kind, by an author of its own, and everybody's way to look at it. */
export interface Scene {
  kind: KindName;
  author: Caller;
  postId: string;
  text: string;
  /** What it is a reply to, which everybody sees. */
  rootId: string;
  viewer: (who: Viewer) => Caller;
}

/** The tag that the scene's post has alone. */
export const tagOf = (kind: KindName) => `scene_${kind.toLowerCase()}`;

/** Makes a scene of each kind: what it takes is put into the tables, since not all of it has a route. */
export async function openScenes(app: PostsApp): Promise<Record<KindName, Scene>> {
  const callers = new Map<Viewer, Caller>();
  for (const who of viewers) if (who !== 'author') callers.set(who, await app.member('viewer'));
  const host = await app.member('host');
  const { id: rootId } = await host.post('What everybody sees');
  const scenes: [KindName, Scene][] = [];
  for (const kind of Object.keys(kinds) as KindName[]) {
    const author = await app.member('author');
    const scene: Scene = {
      kind,
      author,
      postId: uuidv7(),
      text: `${kind} ${randomUUID()}`,
      rootId,
      viewer: (who) => (who === 'author' ? author : (callers.get(who) as Caller)),
    };
    await insert(app, scene);
    scenes.push([kind, scene]);
  }
  await app.rows(`insert into posts.explore_rankings (post_ids, tags) values ($1, '[]')`, [
    scenes.map(([, { postId }]) => postId),
  ]);
  return Object.fromEntries(scenes) as Record<KindName, Scene>;
}

async function insert(app: PostsApp, { kind, author, postId, text, rootId, viewer }: Scene): Promise<void> {
  const { post = {}, profile = {} }: Kind = kinds[kind];
  await app.rows(
    `update posts.profiles set is_private = $2, suspended_at = $3, deleted_at = $4 where user_id = $1`,
    [author.id, profile.is_private ?? false, profile.suspended_at, profile.deleted_at],
  );
  await app.rows(
    `insert into posts.posts
       (id, author_id, text, created_at, visibility, hidden_at, deleted_at, reply_to, root_id)
     values ($1, $2, $3, now(), $4, $5, $6, $7, $7)`,
    [postId, author.id, text, post.visibility ?? 'public', post.hidden_at, post.deleted_at, rootId],
  );
  await app.rows('insert into posts.post_mentions values ($1, $2)', [postId, viewer('mentioned').id]);
  await app.rows(`insert into posts.post_tags (tag, post_id) values ('scenes', $1), ($2, $1)`, [
    postId,
    tagOf(kind),
  ]);
  // A picture of the post's, by the same id.
  await app.rows(
    `insert into posts.media (id, owner_id, type, bytes, alt, width, height, post_id, completed_at)
     values ($1, $2, 'image/png', 1, '', 1, 1, $1, now())`,
    [postId, author.id],
  );
  await app.rows(
    `insert into posts.moderation_cases (post_id, state, position) values ($1, 'open', gen_random_uuid())`,
    [postId],
  );
  for (const who of viewers) {
    await app.rows('insert into posts.bookmarks (user_id, post_id, id) values ($1, $2, gen_random_uuid())', [
      viewer(who).id,
      postId,
    ]);
  }
  const relations = [
    ['follows (follower_id, followee_id, created_at)', viewer('follower'), author],
    ['follows (follower_id, followee_id, created_at)', viewer('mutingFollower'), author],
    ['blocks (blocker_id, blocked_id, created_at, id)', viewer('blocker'), author],
    ['blocks (blocker_id, blocked_id, created_at, id)', author, viewer('blocked')],
    ['mutes (muter_id, muted_id, created_at, id)', viewer('muter'), author],
    ['mutes (muter_id, muted_id, created_at, id)', viewer('mutingFollower'), author],
  ] as const;
  for (const [into, from, to] of relations) {
    const withId = into.endsWith('id)') && !into.startsWith('follows');
    await app.rows(`insert into posts.${into} values ($1, $2, now()${withId ? ', gen_random_uuid()' : ''})`, [
      from.id,
      to.id,
    ]);
  }
}
