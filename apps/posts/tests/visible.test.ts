import { randomUUID } from 'node:crypto';
import { PostsApp, type Caller } from './posts-app';

let app: PostsApp;
let ada: Caller;
let eve: Caller;

beforeAll(async () => {
  app = await PostsApp.start();
});
afterAll(() => app.stop());
beforeEach(async () => {
  [ada, eve] = await Promise.all([app.member('ada'), app.member('eve')]);
});

const visibleTo = async (viewer: Caller, postIds: string[], usernames: string[]) => {
  const body = { viewerId: viewer.id, postIds, usernames };
  const { status, json } = await app.anonymous().write('POST', '/internal/visible', body);
  if (status !== 200) throw new Error(JSON.stringify(json));
  return json;
};

describe('what other services ask of a person', () => {
  it('is answered as the person would be over HTTP', async () => {
    const open = await ada.post('for all');
    const closed = await ada.post('for followers', { visibility: 'followers' });
    const names = [ada.username, 'nobody_at_all'];
    const ids = [open.id, closed.id, randomUUID()];
    expect(await visibleTo(eve, ids, names)).toEqual({ postIds: [open.id], usernames: [ada.username] });
    expect(await visibleTo(ada, ids, [])).toEqual({ postIds: [open.id, closed.id], usernames: [] });
    await eve.follow(ada.username);
    expect((await visibleTo(eve, ids, [])).postIds).toEqual([open.id, closed.id]);
  });

  it('changes with a block at once', async () => {
    const { id } = await ada.post('for all');
    expect(await visibleTo(eve, [id], [ada.username])).toEqual({ postIds: [id], usernames: [ada.username] });
    await ada.write('PUT', `/api/v1/users/${eve.username}/block`);
    expect(await visibleTo(eve, [id], [ada.username])).toEqual({ postIds: [], usernames: [] });
  });
});
