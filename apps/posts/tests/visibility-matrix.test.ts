import { PostsApp, type Answer, type Caller } from './posts-app';
import {
  expectedOf,
  kinds,
  openScenes,
  viewers,
  type KindName,
  type Scene,
  type Seen,
  type Viewer,
} from './visibility-scenes';

/**
 * Every route that shows posts has a line here, and is looked at by everybody, at posts of every kind: cold and from
 * the cache. What is seen of a post by itself stands in `visibility-scenes.ts`; `differs` is where a route shows less.
 */
interface RouteLine {
  look: (viewer: Caller, scene: Scene) => Promise<Seen>;
  differs?: (seen: Seen, who: Viewer, kind: KindName) => Seen;
}

/** What is refused to all but the author is there all the same, as is what has been read in another version. */
const statuses: Record<number, Seen> = {
  200: 'shown',
  201: 'shown',
  204: 'shown',
  403: 'shown',
  412: 'shown',
  410: 'tombstone',
  404: 'absent',
  422: 'absent',
};

const byStatus = ({ status }: Answer): Seen => {
  const seen = statuses[status];
  if (!seen) throw new Error(`It was answered ${status}`);
  return seen;
};

/** Whether a list has the post, or the tombstone of it. */
const inList = ({ status, json }: Answer, { postId }: Scene): Seen => {
  if (status !== 200) return byStatus({ status } as Answer);
  const item = json.items.find(({ id }: { id: string }) => id === postId);
  if (!item) return 'absent';
  return item.deleted ? 'tombstone' : 'shown';
};

const inItself =
  (path: string) =>
  async (viewer: Caller, { postId }: Scene) =>
    byStatus(await viewer.get(`/api/v1/posts/${postId}${path}`));

const inThread = (path: string) => async (viewer: Caller, scene: Scene) =>
  inList(await viewer.get(`/api/v1/posts/${scene.rootId}${path}?limit=100`), scene);

/** A deleted post still has what it was answered. */
const withTombstones = (seen: Seen): Seen => (seen === 'tombstone' ? 'shown' : seen);

const withoutTombstones = (seen: Seen): Seen => (seen === 'tombstone' ? 'absent' : seen);

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
  'GET /api/v1/feed': {
    look: async (viewer, scene) => inList(await viewer.get('/api/v1/feed?limit=100'), scene),
    // Of those whom one follows and has not muted, and one's own.
    differs: (seen, who) => (who === 'author' || who === 'follower' ? withoutTombstones(seen) : 'absent'),
  },
};

let app: PostsApp;
let scenes: Record<KindName, Scene>;

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

/** Every route that shows a person, by their name. A private account has a profile that all may see. */
const profileRoutes: Record<string, (viewer: Caller, username: string) => Promise<Seen>> = {
  'GET /api/v1/users/:username': async (viewer, username) =>
    byStatus(await viewer.get(`/api/v1/users/${username}`)),
};

describe.each(Object.entries(profileRoutes))('%s', (_name, look) => {
  it.each([
    ['public', 'SSS--SSS'],
    ['ofPrivateAccount', 'SSS--SSS'],
    ['ofSuspendedAuthor', 'S-------'],
    ['ofDeletedAuthor', 'S-------'],
  ] as const)('shows an author of a post that is %s to whom they are there for', async (kind, seen) => {
    const scene = scenes[kind];
    for (const time of ['cold', 'cached']) {
      const found = await Promise.all(viewers.map((who) => look(scene.viewer(who), scene.author.username)));
      expect([time, found.map((each) => (each === 'shown' ? 'S' : '-')).join('')]).toEqual([time, seen]);
    }
  });
});
