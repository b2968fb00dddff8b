import { randomUUID } from 'node:crypto';
import {
  postsBlocksRoutes,
  postsDraftsRoutes,
  postsExploreRoutes,
  postsFeedRoutes,
  postsFollowsRoutes,
  postsPeopleRoutes,
  postsPostRoutes,
  postsReactionsRoutes,
  postsSearchRoutes,
  postsTagsRoutes,
  postsThreadsRoutes,
} from '@rostrum/contracts';
import { waitFor } from '@rostrum/testing';
import { notYetCalled } from '../auth/people';
import { join, type Member } from './members';
import { startSystem, type System } from './system';

/** Six processes and a gateway, on a machine that has other things to do. */
const patientMs = 180_000;
const patient = { timeoutMs: 30_000 };

let system: System;
let ada: Member;
let grace: Member;

beforeAll(async () => {
  system = await startSystem({ environment: { EXPLORE_RANK_EVERY_MS: '500' } });
}, patientMs);
afterAll(() => system?.stop(), patientMs);
beforeEach(async () => {
  [ada, grace] = await Promise.all([join(system), join(system)]);
}, patientMs);

const userPath = ({ username }: Member, part = '') => `/api/v1/users/${username}${part}`;
const postPath = (id: string, part = '') => `/api/v1/posts/${id}${part}`;

describe('what is written', () => {
  it('becomes a thread, is quoted and changed, and leaves its place when it is deleted', async () => {
    const root = await ada.publish('Who has read it?');
    const reply = await grace.publish('I have.', { replyTo: root.id });
    const last = await ada.publish('All of it?', { replyTo: reply.id });
    await grace.publish('Listen to her.', { quoteOf: root.id });
    expect(await grace.idsAt(postPath(last.id, '/thread'))).toEqual([root.id, reply.id, last.id]);
    expect(await grace.idsAt(postPath(root.id, '/replies'))).toEqual([reply.id]);
    expect((await ada.get(postPath(root.id))).counts).toMatchObject({ replies: 1, quotes: 1 });
    expect(await ada.idsAt(`/api/v1/posts?ids=${last.id},${root.id}`)).toEqual([last.id, root.id]);

    const change = (etag?: string) =>
      ada.call(
        'PATCH',
        postPath(root.id),
        { text: 'Who has read all of it?' },
        etag ? { 'If-Match': etag } : {},
      );
    const { response } = await ada.call('GET', postPath(root.id));
    const etag = response.headers.get('etag') ?? '';
    expect((await change()).status).toBe(428);
    const changed = await change(etag);
    expect([changed.status, changed.json.version]).toEqual([200, 2]);
    expect((await change(etag)).status).toBe(412);
    const versions = (await grace.get(postPath(root.id, '/versions'))).items;
    expect(versions.map(({ version }: { version: number }) => version)).toEqual([2, 1]);
    expect((await grace.call('PATCH', postPath(root.id), { text: 'Mine' }, { 'If-Match': '*' })).status).toBe(
      403,
    );

    await grace.do('DELETE', postPath(reply.id));
    expect(await ada.statusOf(postPath(reply.id))).toBe(410);
    const { items } = await ada.get(postPath(last.id, '/thread'));
    expect(items.map(({ id, deleted = false }: { id: string; deleted?: boolean }) => [id, deleted])).toEqual([
      [root.id, false],
      [reply.id, true],
      [last.id, false],
    ]);
  });

  it('may wait as a draft, which nobody else sees, or for its time', async () => {
    const drafts = '/api/v1/posts/drafts';
    const { json: draft, response } = await ada.call('POST', drafts, { text: 'Not yet' });
    const one = `${drafts}/${draft.id}`;
    expect([await ada.statusOf(one), await grace.statusOf(one)]).toEqual([200, 404]);
    const match = { 'If-Match': response.headers.get('etag') ?? '' };
    expect((await ada.call('PUT', one, { text: 'Now' }, match)).json.version).toBe(2);
    expect((await ada.call('PUT', one, { text: 'Never' }, match)).status).toBe(412);
    const published = await ada.call('POST', `${one}/publish`);
    expect([published.status, published.json.text]).toEqual([201, 'Now']);
    expect(await ada.statusOf(one)).toBe(404);

    const publishAt = new Date(Date.now() + 5000).toISOString();
    const scheduled = await ada.call('POST', drafts, { text: 'At its time', publishAt });
    expect(scheduled.status).toBe(201);
    expect(await ada.idsAt(drafts)).toEqual([scheduled.json.id]);
    const texts = async () =>
      (await grace.get(userPath(ada, '/posts'))).items.map(({ text }: { text: string }) => text);
    await waitFor(async () => (await texts()).includes('At its time'), { what: 'its time', ...patient });
    expect(await ada.idsAt(drafts)).toEqual([]);
    const { json: unwanted } = await ada.call('POST', drafts, { text: 'Better not' });
    await ada.do('DELETE', `${drafts}/${unwanted.id}`);
  });

  it('is made once, however often and at once it is asked for', async () => {
    const key = { 'Idempotency-Key': randomUUID() };
    const ask = () => ada.call('POST', '/api/v1/posts', { text: 'Once' }, key);
    const replies = await Promise.all(Array.from({ length: 100 }, ask));
    const made = replies.filter(({ status }) => status === 201);
    expect(made.length).toBeGreaterThan(0);
    for (const { status, json, response } of replies) {
      if (status === 201) continue;
      expect([status, json.code]).toEqual([409, 'IDEMPOTENCY_KEY_IN_FLIGHT']);
      expect(response.headers.get('retry-after')).toBe('1');
    }
    const again = await ask();
    expect([again.status, again.response.headers.get('idempotency-replayed')]).toEqual([201, 'true']);
    expect(new Set([...made, again].map(({ json }) => json.id)).size).toBe(1);
    expect(await ada.idsAt(userPath(ada, '/posts'))).toEqual([again.json.id]);
  });

  it('is found by its tags, and explored', async () => {
    const tag = `t${randomUUID().slice(0, 8)}`;
    const { id } = await ada.publish(`About #${tag}`);
    await grace.do('PUT', postPath(id, '/like'));
    expect(await grace.idsAt(`/api/v1/posts/tags/${tag}`)).toEqual([id]);
    await waitFor(async () => (await grace.idsAt('/api/v1/feed/explore?limit=100')).includes(id), {
      what: 'the post among what is explored',
      ...patient,
    });
    const trending = async () => (await grace.get('/api/v1/posts/tags')).items as { tag: string }[];
    await waitFor(async () => (await trending()).some((each) => each.tag === tag), {
      what: 'the tag among those of the day',
      ...patient,
    });
  });
});

describe('lists', () => {
  it('go on from page to page, and take nobody else’s cursor for theirs', async () => {
    const ids: string[] = [];
    for (let i = 0; i < 7; i += 1) ids.unshift((await ada.publish(`Number ${i}`)).id);
    const path = userPath(ada, '/posts');
    expect(await grace.idsOnPages(path, 3)).toEqual(ids);
    expect(await ada.idsOnPages('/api/v1/feed', 2)).toEqual(ids);
    const { nextCursor } = await grace.get(`${path}?limit=2`);
    const forged = await grace.call('GET', `${path}?limit=2&cursor=${nextCursor.slice(0, -2)}xx`);
    expect([forged.status, forged.json.code]).toEqual([400, 'INVALID_CURSOR']);
  });
});

describe('reactions', () => {
  it('count once, are listed, and can be taken back', async () => {
    const { id } = await ada.publish('Like it');
    for (const what of ['/like', '/like', '/repost', '/bookmark']) await grace.do('PUT', postPath(id, what));
    expect((await ada.get(postPath(id))).counts).toMatchObject({ likes: 1, reposts: 1 });
    for (const list of ['/likes', '/reposts'])
      expect(await ada.idsAt(postPath(id, list))).toEqual([grace.id]);
    expect(await grace.idsAt('/api/v1/posts/bookmarks')).toEqual([id]);
    const mine = async () => (await grace.get(`/api/v1/posts/reactions?ids=${id}`)).items;
    expect(await mine()).toEqual([{ id, liked: true, reposted: true, bookmarked: true }]);
    for (const what of ['/like', '/repost', '/bookmark']) await grace.do('DELETE', postPath(id, what));
    expect(await mine()).toEqual([{ id, liked: false, reposted: false, bookmarked: false }]);
    expect((await ada.get(postPath(id))).counts).toMatchObject({ likes: 0, reposts: 0 });
  });
});

describe('people', () => {
  it('read in their feed whom they follow, for as long as they do', async () => {
    const before = await ada.publish('Before');
    await grace.do('PUT', userPath(ada, '/follow'));
    const after = await ada.publish('After');
    const own = await grace.publish('Mine');
    expect(await grace.idsAt('/api/v1/feed')).toEqual([own.id, after.id, before.id]);
    expect(await ada.idsAt('/api/v1/feed')).toEqual([after.id, before.id]);
    expect(await ada.idsAt(userPath(ada, '/followers'))).toEqual([grace.id]);
    expect(await ada.idsAt(userPath(grace, '/following'))).toEqual([ada.id]);
    await grace.do('DELETE', userPath(ada, '/follow'));
    expect(await grace.idsAt('/api/v1/feed')).toEqual([own.id]);
  });

  it('who are private are asked, and read by those alone whom they let', async () => {
    const eve = await join(system);
    const { id } = await ada.publish('For those I know');
    expect((await ada.call('PATCH', '/api/v1/users/me', { isPrivate: true })).json.isPrivate).toBe(true);
    expect(await grace.statusOf(postPath(id))).toBe(404);
    for (const who of [grace, eve]) {
      expect((await who.call('PUT', userPath(ada, '/follow'))).status).toBe(202);
    }
    const requests = '/api/v1/users/me/follow-requests';
    expect(new Set(await ada.idsAt(requests))).toEqual(new Set([grace.id, eve.id]));
    await ada.do('PUT', `${requests}/${grace.username}`);
    await ada.do('DELETE', `${requests}/${eve.username}`);
    expect(await ada.idsAt(requests)).toEqual([]);
    expect([await grace.statusOf(postPath(id)), await eve.statusOf(postPath(id))]).toEqual([200, 404]);
    expect((await eve.call('GET', userPath(ada, '/followers'))).json.code).toBe('ACCOUNT_PRIVATE');
    const { items } = await grace.get(`/api/v1/users/me/relationships?ids=${ada.id},${eve.id}`);
    expect(items.map(({ following }: { following: boolean }) => following)).toEqual([true, false]);
    await grace.do('DELETE', userPath(ada, '/follow'));
    expect(await grace.statusOf(postPath(id))).toBe(404);
  });

  it('who are muted are heard of less, and who are blocked not at all', async () => {
    await grace.do('PUT', userPath(ada, '/follow'));
    const { id } = await ada.publish('Noise');
    await grace.do('PUT', userPath(ada, '/mute'));
    expect(await grace.idsAt('/api/v1/users/me/mutes')).toEqual([ada.id]);
    expect(await grace.idsAt('/api/v1/feed')).toEqual([]);
    expect(await grace.statusOf(postPath(id))).toBe(200);
    await grace.do('DELETE', userPath(ada, '/mute'));
    expect(await grace.idsAt('/api/v1/feed')).toEqual([id]);

    await ada.do('PUT', userPath(grace, '/block'));
    expect(await ada.idsAt('/api/v1/users/me/blocks')).toEqual([grace.id]);
    for (const path of [postPath(id), userPath(ada), userPath(ada, '/posts')]) {
      expect([path, await grace.statusOf(path)]).toEqual([path, 404]);
    }
    expect(await grace.idsAt('/api/v1/feed')).toEqual([]);
    await ada.do('DELETE', userPath(grace, '/block'));
    expect(await grace.statusOf(postPath(id))).toBe(200);
    // A block has ended the follow.
    expect(await grace.idsAt('/api/v1/feed')).toEqual([]);
  });
});

it('what is looked for is found by its words, names and tags, by those who may see it', async () => {
  const word = `w${randomUUID().slice(0, 8)}`;
  const found = (who: Member, path: string, q: string) =>
    who.idsAt(`/api/v1/${path}/search?q=${encodeURIComponent(q)}`);
  const { id } = await ada.publish(`“100% café?” – ${word} & more #tag${word}`);
  for (const q of [word, `cafe 100% -${word}x`, `"${word} more"`, `nothing or CAFÉ ${word}`]) {
    expect([q, (await found(grace, 'posts', q)).includes(id)]).toEqual([q, true]);
  }
  expect(await found(grace, 'posts', `${word} less`)).toEqual([]);
  expect(await found(grace, 'users', ada.username)).toContain(ada.id);
  const tags = () => grace.get(`/api/v1/posts/tags/search?q=tag${word.slice(0, -1)}`);
  expect((await tags()).items).toEqual([{ tag: `tag${word}` }]);

  await ada.do('PUT', userPath(grace, '/block'));
  expect(await found(grace, 'posts', word)).toEqual([]);
  expect(await found(grace, 'users', ada.username)).not.toContain(ada.id);
  expect((await tags()).items).toEqual([]);
});

it('has been through every route of these', () => {
  const routes = [
    ...[...postsPostRoutes, ...postsThreadsRoutes, ...postsDraftsRoutes, ...postsReactionsRoutes],
    ...[...postsTagsRoutes, ...postsSearchRoutes, ...postsFeedRoutes, ...postsExploreRoutes],
    ...[...postsPeopleRoutes, ...postsFollowsRoutes, ...postsBlocksRoutes],
  ];
  expect(notYetCalled(routes, 'bearer')).toEqual([]);
});
