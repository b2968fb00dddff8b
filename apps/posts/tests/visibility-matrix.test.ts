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
  differs?: (seen: Seen, who: Viewer) => Seen;
}

const byStatus = ({ status }: Answer): Seen => {
  const seen = ({ 200: 'shown', 204: 'shown', 410: 'tombstone', 404: 'absent' } as const)[status];
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

const withoutTombstones = (seen: Seen): Seen => (seen === 'tombstone' ? 'absent' : seen);

const routes: Record<string, RouteLine> = {
  'GET /api/v1/posts/:id': {
    look: async (viewer, { postId }) => byStatus(await viewer.get(`/api/v1/posts/${postId}`)),
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
      const expected = viewers.map((who) => [who, differs(expectedOf(kind, who), who)]);
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
