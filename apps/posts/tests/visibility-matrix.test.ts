import { mediaLines } from './media-lines';
import { moderationLines } from './moderation-lines';
import { PostsApp, type Caller } from './posts-app';
import { byStatus, inList, withoutTombstones, type RouteLine } from './visibility-lines';
import {
  expectedOf,
  kinds,
  openScenes,
  tagOf,
  viewers,
  type KindName,
  type Scene,
  type Seen,
  type Viewer,
} from './visibility-scenes';

let app: PostsApp;
let scenes: Record<KindName, Scene>;

const inItself =
  (path: string) =>
  async (viewer: Caller, { postId }: Scene) =>
    byStatus(await viewer.get(`/api/v1/posts/${postId}${path}`));

const inThread = (path: string) => async (viewer: Caller, scene: Scene) =>
  inList(await viewer.get(`/api/v1/posts/${scene.rootId}${path}?limit=100`), scene);

/** A deleted post still has what it was answered. */
const withTombstones = (seen: Seen): Seen => (seen === 'tombstone' ? 'shown' : seen);

const withoutMuted = (seen: Seen, who: Viewer): Seen =>
  who === 'muter' || who === 'mutingFollower' ? 'absent' : seen;

/**
 * Every route that shows posts has a line here, and is looked at by everybody, at posts of every kind: cold and from
 * the cache. What is seen of a post by itself stands in `visibility-scenes.ts`; `differs` is where a route shows less.
 */
const routes: Record<string, RouteLine> = {
  'GET /api/v1/posts/:id': { look: inItself('') },
  'GET /api/v1/posts?ids=': {
    look: async (viewer, scene) => inList(await viewer.get(`/api/v1/posts?ids=${scene.postId}`), scene),
    differs: withoutTombstones,
  },
  'GET /api/v1/posts/:id/versions': { look: inItself('/versions') },
  'GET /api/v1/posts/:id/replies': { look: inItself('/replies'), differs: withTombstones },
  'GET /api/v1/posts/:id/thread': { look: inItself('/thread'), differs: withTombstones },
  'GET /api/v1/posts/:id/replies, as a reply': { look: inThread('/replies') },
  'GET /api/v1/posts/:id/thread, as a part of it': { look: inThread('/thread') },
  'POST /api/v1/posts, as a reply to it': {
    look: async (viewer, { postId: replyTo }) =>
      byStatus(await viewer.write('POST', '/api/v1/posts', { text: 'A reply', replyTo })),
    differs: withoutTombstones,
  },
  'POST /api/v1/posts, as a quote of it': {
    look: async (viewer, { postId: quoteOf }) =>
      byStatus(await viewer.write('POST', '/api/v1/posts', { text: 'A quote', quoteOf })),
    differs: withoutTombstones,
  },
  'PATCH /api/v1/posts/:id': {
    look: async (viewer, { postId }) =>
      byStatus(await viewer.write('PATCH', `/api/v1/posts/${postId}`, { text: 'x' }, { 'If-Match': '"0"' })),
  },
  'DELETE /api/v1/posts/:id': {
    look: async (viewer, { postId, author }) => {
      // It would be deleted for all who look after that.
      if (viewer.id === author.id) return 'shown';
      return byStatus(await viewer.write('DELETE', `/api/v1/posts/${postId}`));
    },
    differs: (seen, who) => (who === 'author' ? 'shown' : seen),
  },
  'GET /api/v1/users/:username/posts': {
    look: async (viewer, scene) =>
      inList(await viewer.get(`/api/v1/users/${scene.author.username}/posts`), scene),
    // A private account has no list for those who do not follow it.
    differs: (seen, who, kind) =>
      kind === 'forMentionedOfPrivateAccount' && who === 'mentioned' ? 'absent' : withoutTombstones(seen),
  },
  ...mediaLines,
  'GET /api/v1/posts/:id/likes': { look: inItself('/likes') },
  'GET /api/v1/posts/:id/reposts': { look: inItself('/reposts') },
  'GET /api/v1/posts/bookmarks': {
    // Everybody has put it among theirs, while they saw it.
    look: async (viewer, scene) => inList(await viewer.get('/api/v1/posts/bookmarks?limit=100'), scene),
    differs: withoutTombstones,
  },
  ...Object.fromEntries(
    ['PUT', 'DELETE'].flatMap((method) =>
      ['like', 'repost', 'bookmark'].map((what): [string, RouteLine] => [
        `${method} /api/v1/posts/:id/${what}`,
        {
          look: async (viewer, { postId }) =>
            byStatus(await viewer.write(method, `/api/v1/posts/${postId}/${what}`)),
        },
      ]),
    ),
  ),
  'GET /api/v1/posts/reactions': {
    // It says the same of what one does not see as of what does not exist: not even a like of before is lost by it.
    look: async (viewer, { postId }) => byStatus(await viewer.get(`/api/v1/posts/reactions?ids=${postId}`)),
    differs: () => 'shown',
  },
  'GET /api/v1/posts/tags/:tag': {
    look: async (viewer, scene) => inList(await viewer.get('/api/v1/posts/tags/scenes?limit=100'), scene),
    differs: (seen, who) => withoutMuted(withoutTombstones(seen), who),
  },
  'GET /api/v1/posts/search': {
    look: async (viewer, scene) =>
      inList(await viewer.get(`/api/v1/posts/search?q=${encodeURIComponent(scene.text)}`), scene),
    differs: (seen, who) => withoutMuted(withoutTombstones(seen), who),
  },
  'GET /api/v1/posts/tags/search': {
    look: async (viewer, { kind }) => {
      const { json } = await viewer.get(`/api/v1/posts/tags/search?q=${tagOf(kind)}&limit=100`);
      return json.items.some(({ tag }: { tag: string }) => tag === tagOf(kind)) ? 'shown' : 'absent';
    },
    differs: (seen, who) => withoutMuted(withoutTombstones(seen), who),
  },
  'GET /api/v1/feed/explore': {
    // All of them are in the ranking: what has changed since it was made is seen all the same.
    look: async (viewer, scene) => inList(await viewer.get('/api/v1/feed/explore?limit=100'), scene),
    differs: (seen, who) => withoutMuted(withoutTombstones(seen), who),
  },
  'GET /api/v1/feed': {
    look: async (viewer, scene) => inList(await viewer.get('/api/v1/feed?limit=100'), scene),
    // Of those whom one follows and has not muted, and one's own.
    differs: (seen, who) => (who === 'author' || who === 'follower' ? withoutTombstones(seen) : 'absent'),
  },
  ...moderationLines(() => app),
};

beforeAll(async () => {
  app = await PostsApp.start();
  scenes = await openScenes(app);
});
afterAll(() => app.stop());

describe.each(Object.entries(routes))('%s', (_name, { look, differs = (seen) => seen }) => {
  it.each(Object.keys(kinds) as KindName[])(
    'shows a post that is %s to whom it is meant for',
    async (kind) => {
      const scene = scenes[kind];
      const expected = viewers.map((who) => [who, differs(expectedOf(kind, who), who, kind)]);
      for (const time of ['cold', 'cached']) {
        const seen = await Promise.all(
          viewers.map(async (who) => [who, await look(scene.viewer(who), scene)] as const),
        );
        expect([time, ...seen]).toEqual([time, ...expected]);
      }
    },
  );
});

type PersonKind = 'public' | 'ofPrivateAccount' | 'ofSuspendedAuthor' | 'ofDeletedAuthor';

/** Every route that shows a person, or does something with them. A private account has a profile that all may see. */
interface PersonLine {
  look: (viewer: Caller, author: Caller) => Promise<boolean>;
  differs?: Partial<Record<PersonKind, string>>;
}

const people: Record<PersonKind, string> = {
  public: 'SSS--SSS',
  ofPrivateAccount: 'SSS--SSS',
  ofSuspendedAuthor: 'S-------',
  ofDeletedAuthor: 'S-------',
};

/** Somebody whom all authors follow, and who follows them all. */
let hub: Caller;

beforeAll(async () => {
  hub = await app.member('hub');
  const authors = Object.values(scenes).map(({ author }) => author.id);
  await app.rows(
    `insert into posts.follows (follower_id, followee_id)
     select $1, unnest($2::uuid[]) union all select unnest($2::uuid[]), $1`,
    [hub.id, authors],
  );
});

const hasList =
  (list: string): PersonLine['look'] =>
  async (viewer, { username }) =>
    (await viewer.get(`/api/v1/users/${username}/${list}`)).status === 200;

const isInListOfHub =
  (list: string): PersonLine['look'] =>
  async (viewer, { id }) => {
    const { json } = await viewer.get(`/api/v1/users/${hub.username}/${list}?limit=100`);
    return json.items.some((item: { id: string }) => item.id === id);
  };

/** Does it, and takes it back where it was not so before. */
const canDo =
  (what: 'follow' | 'mute', relation: 'following' | 'muted'): PersonLine['look'] =>
  async (viewer, { id, username }) => {
    const [before] = (await viewer.get(`/api/v1/users/me/relationships?ids=${id}`)).json.items;
    const { status } = await viewer.write('PUT', `/api/v1/users/${username}/${what}`);
    if (!before[relation]) await viewer.write('DELETE', `/api/v1/users/${username}/${what}`);
    // To oneself it cannot be done, but one is there.
    return [202, 204, 409].includes(status);
  };

const onlyFollowers = { ofPrivateAccount: 'S-S---S-' };

const personRoutes: Record<string, PersonLine> = {
  'GET /api/v1/users/:username': {
    look: async (viewer, { username }) => byStatus(await viewer.get(`/api/v1/users/${username}`)) === 'shown',
  },
  'GET /api/v1/users/:username/followers': { look: hasList('followers'), differs: onlyFollowers },
  'GET /api/v1/users/:username/following': { look: hasList('following'), differs: onlyFollowers },
  'GET /api/v1/users/:username/followers, as one of them': { look: isInListOfHub('followers') },
  'GET /api/v1/users/:username/following, as one of them': { look: isInListOfHub('following') },
  'GET /api/v1/users/search': {
    look: async (viewer, { id, username }) => {
      const { json } = await viewer.get(`/api/v1/users/search?q=${username}`);
      return json.items.some((item: { id: string }) => item.id === id);
    },
    differs: { public: 'SSS----S', ofPrivateAccount: 'SSS----S' },
  },
  'PUT /api/v1/users/:username/follow': { look: canDo('follow', 'following') },
  'PUT /api/v1/users/:username/mute': { look: canDo('mute', 'muted') },
  'POST /api/v1/users/:username/reports': {
    // Not oneself, but one is there.
    look: async (viewer, { username }) =>
      byStatus(await viewer.write('POST', `/api/v1/users/${username}/reports`, { reason: 'spam' })) ===
      'shown',
    // Also whom one does not see: who insults somebody and blocks them then is to be told of.
    differs: {
      public: 'SSSSSSSS',
      ofPrivateAccount: 'SSSSSSSS',
      ofSuspendedAuthor: 'SSSSSSSS',
      ofDeletedAuthor: '--------',
    },
  },
};

describe.each(Object.entries(personRoutes))('%s', (_name, { look, differs = {} }) => {
  it.each(Object.keys(people) as PersonKind[])(
    'shows an author of a post that is %s to whom they are there for',
    async (kind) => {
      const scene = scenes[kind];
      for (const time of ['cold', 'cached']) {
        const found = await Promise.all(viewers.map((who) => look(scene.viewer(who), scene.author)));
        expect([time, found.map((seen) => (seen ? 'S' : '-')).join('')]).toEqual([
          time,
          differs[kind] ?? people[kind],
        ]);
      }
    },
  );
});
