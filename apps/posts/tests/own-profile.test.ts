import { randomUUID } from 'node:crypto';
import { profile as profileSchema } from '@rostrum/contracts';
import { upload } from './pictures';
import { PostsApp, type Caller } from './posts-app';

let app: PostsApp;
let ada: Caller;
let grace: Caller;

beforeAll(async () => {
  app = await PostsApp.start();
});
afterAll(() => app.stop());
beforeEach(async () => {
  ada = await app.member('ada');
  grace = await app.member('grace');
});

const change = (caller: Caller, body: unknown, headers = {}) =>
  caller.write('PATCH', '/api/v1/users/me', body, headers);
const read = (viewer: Caller, { username }: Caller, headers = {}) =>
  viewer.get(`/api/v1/users/${username}`, headers);

describe('PATCH /api/v1/users/me', () => {
  it('changes what it names and leaves the rest, for everybody at once', async () => {
    const { id: avatarId } = await upload(ada);
    await read(grace, ada);
    const { status, json, headers } = await change(ada, { displayName: 'Ada 👩‍👩‍👧‍👦', bio: 'One\nTwo', avatarId });
    expect(status).toBe(200);
    expect(profileSchema.parse(json)).toMatchObject({
      id: ada.id,
      username: ada.username,
      displayName: 'Ada 👩‍👩‍👧‍👦',
      bio: 'One\nTwo',
      avatarId,
      isPrivate: false,
    });
    const seen = await read(grace, ada);
    expect([seen.json, seen.headers.get('etag')]).toEqual([json, headers.get('etag')]);

    await change(ada, { bio: null });
    expect((await read(grace, ada)).json).toMatchObject({ displayName: 'Ada 👩‍👩‍👧‍👦', bio: null, avatarId });
    await change(ada, { isPrivate: true });
    expect((await read(grace, ada)).json).toMatchObject({ isPrivate: true, avatarId });
  });

  it('is done once for a key', async () => {
    const headers = { 'Idempotency-Key': randomUUID() };
    const first = await change(ada, { displayName: 'First' }, headers);
    await change(ada, { displayName: 'Second' });
    const again = await change(ada, { displayName: 'First' }, headers);
    expect([again.status, again.json]).toEqual([200, first.json]);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect((await read(grace, ada)).json.displayName).toBe('Second');
    expect((await change(ada, { displayName: 'Third' }, headers)).status).toBe(422);
  });

  it('makes a profile of somebody whose registration has not arrived', async () => {
    const early = await app.person('early');
    expect((await change(early, { bio: 'I am quick' })).status).toBe(200);
    expect((await read(grace, early)).json.bio).toBe('I am quick');
  });

  it.each([
    ['nothing', {}],
    ['another field', { username: 'new_name' }],
    ['a number as a name', { displayName: 1 }],
    ['an empty name', { displayName: ' ' }],
    ['a name of two lines', { displayName: 'a\nb' }],
    ['a name that is too long', { displayName: 'a'.repeat(51) }],
    ['a name with a null character', { displayName: 'a\0b' }],
    ['a name that turns round', { displayName: 'a\u202eb' }],
    ['a name that is not Unicode', { displayName: '\ud800' }],
    ['an empty bio', { bio: '' }],
    ['a bio that is too long', { bio: 'ß'.repeat(301) }],
    ['a bio that leaves its direction open', { bio: 'a\u2067b' }],
    ['an avatar that is no id', { avatarId: 'https://example.com/x.png' }],
    ['a word for a truth', { isPrivate: 'yes' }],
    ['no truth', { isPrivate: null }],
  ])('refuses %s', async (_what, body) => {
    const { status, json } = await change(ada, body);
    expect([status, json.code]).toEqual([400, 'VALIDATION_FAILED']);
    expect((await read(grace, ada)).json).toMatchObject({ displayName: null, bio: null, isPrivate: false });
  });

  it('takes the longest there may be, counted as people count', async () => {
    const displayName = '👩‍👩‍👧‍👦'.repeat(50);
    const bio = 'e\u0301'.repeat(300);
    expect((await change(ada, { displayName, bio })).json).toMatchObject({ displayName, bio });
  });

  it('asks who you are', async () => {
    expect((await change(app.anonymous(), { bio: 'x' })).status).toBe(401);
  });
});

describe('the ETag of a profile', () => {
  it('stays while nothing changes, and goes with each change that is seen', async () => {
    const tags = new Set<string | null>();
    const tag = async () => (await read(grace, ada)).headers.get('etag');
    tags.add(await tag());
    expect(await tag()).toBe([...tags][0]);
    await change(ada, { bio: 'New' });
    tags.add(await tag());
    await grace.follow(ada.username);
    tags.add(await tag());
    expect(tags.size).toBe(3);
  });

  it('spares the body to whoever has it, and only to those who may see it', async () => {
    const etag = (await read(grace, ada)).headers.get('etag') ?? '';
    const same = await read(grace, ada, { 'If-None-Match': etag });
    expect([same.status, same.text, same.headers.get('etag')]).toEqual([304, '', etag]);
    await ada.write('PUT', `/api/v1/users/${grace.username}/block`);
    expect((await read(grace, ada, { 'If-None-Match': etag })).status).toBe(404);
    expect((await read(ada, ada, { 'If-None-Match': etag })).status).toBe(304);
  });
});

describe('GET /api/v1/users/me/relationships', () => {
  it('tells how one is to others, in the order of the ids', async () => {
    const eve = await app.member('eve');
    await ada.follow(grace.username);
    await change(eve, { isPrivate: true });
    await ada.follow(eve.username);
    await ada.write('PUT', `/api/v1/users/${grace.username}/mute`);
    await eve.follow(ada.username);
    const mallory = await app.member('mallory');
    await ada.write('PUT', `/api/v1/users/${mallory.username}/block`);
    const nobody = randomUUID();

    const none = { following: false, followedBy: false, requested: false, requestedBy: false };
    const ids = [eve.id.toUpperCase(), grace.id, mallory.id, nobody, eve.id];
    const { status, json } = await ada.get(`/api/v1/users/me/relationships?ids=${ids.join(',')}`);
    expect(status).toBe(200);
    expect(json.items).toEqual([
      { ...none, id: eve.id, requested: true, followedBy: true, blocked: false, muted: false },
      { ...none, id: grace.id, following: true, blocked: false, muted: true },
      { ...none, id: mallory.id, blocked: true, muted: false },
      { ...none, id: nobody, blocked: false, muted: false },
    ]);
    const theirs = await eve.get(`/api/v1/users/me/relationships?ids=${ada.id}`);
    expect(theirs.json.items).toMatchObject([{ following: true, requestedBy: true }]);
    // Who has been blocked is not told so.
    const blocked = await mallory.get(`/api/v1/users/me/relationships?ids=${ada.id}`);
    expect(blocked.json.items).toEqual([{ ...none, id: ada.id, blocked: false, muted: false }]);
  });

  it.each([
    '',
    '?ids=',
    '?ids=x',
    `?ids=${Array.from({ length: 101 }, () => randomUUID()).join(',')}`,
    '?id=1',
  ])('refuses %s', async (query) => {
    const { status, json } = await ada.get(`/api/v1/users/me/relationships${query}`);
    expect([status, json.code]).toEqual([400, 'VALIDATION_FAILED']);
  });
});
