import { randomUUID } from 'node:crypto';
import { serviceRoutes } from '@rostrum/contracts';
import { PostsApp, type Answer, type Caller } from './posts-app';

let app: PostsApp;
let reader: Caller;

beforeAll(async () => {
  app = await PostsApp.start();
  reader = await app.member('reader');
});
afterAll(() => app.stop());

const namesOf = ({ json }: Answer): string[] =>
  json.items.map(({ username }: { username: string }) => username);
const search = (q: string, more = '') => reader.get(`/api/v1/users/search?q=${encodeURIComponent(q)}${more}`);
const found = async (q: string) => namesOf(await search(q));

/** Somebody who is called exactly so. */
async function named(username: string, displayName?: string): Promise<Caller> {
  const caller = await app.caller({ id: randomUUID(), username });
  await app.register(caller);
  if (displayName !== undefined) await caller.write('PATCH', '/api/v1/users/me', { displayName });
  return caller;
}

it('finds people by their usernames: those that begin so, then the most similar', async () => {
  for (const name of ['grace_hopper', 'grace', 'gracey', 'grace_kelly', 'hopper', 'unrelated'])
    await named(name);
  expect(await found('grace')).toEqual(['grace', 'grace_hopper', 'grace_kelly', 'gracey']);
  expect(await found('grace hoper')).toEqual(['grace_hopper']);
  expect((await found('@grace_hopper'))[0]).toBe('grace_hopper');
  expect(await found('hoper')).toEqual(['grace_hopper', 'hopper']);
  expect(await found('hopper')).toEqual(['hopper', 'grace_hopper']);
});

it.each([
  ['jose', 'José Ñuñez', ['josé', 'JOSE', 'nunez']],
  ['petya', 'Пётр Чайковский', ['чайковский', 'ЧАЙКОВСКИЙ', 'чайковски', 'чайковзкий', 'пётр']],
  ['tanaka', '田中太郎', ['田中', '太郎', '田中太郎']],
  ['somchai', 'สมชาย', ['สมชาย', 'ชาย']],
  ['partying', '🎉 Party 🎉 Person', ['🎉', 'party person']],
  ['oneill', 'Shaq O’Neill', ["o'neill", 'oneill']],
])('finds %s, who says to be called %s', async (username, displayName, queries) => {
  await named(username, displayName);
  for (const q of queries) expect([q, await found(q)]).toEqual([q, [username]]);
});

it('shows what people are called now, and does not find them by what they were', async () => {
  const person = await named('renamed_one', 'Wilhelmina');
  await person.write('PATCH', '/api/v1/users/me', { displayName: 'Bartholomew' });
  expect(await found('wilhelmina')).toEqual([]);
  expect((await search('bartholomew')).json.items).toEqual([
    { id: person.id, username: 'renamed_one', displayName: 'Bartholomew', avatarId: null },
  ]);
});

it('takes one or two letters for what a username begins with', async () => {
  for (const name of ['zz_top', 'zzz', 'za_1', 'z_z', 'azz']) await named(name);
  expect(await found('z')).toEqual(['z_z', 'za_1', 'zz_top', 'zzz']);
  expect(await found('@ZZ')).toEqual(['zz_top', 'zzz']);
  expect(await found('z_')).toEqual(['z_z']);
  expect(await found('zx')).toEqual([]);
});

it.each(['qu', 'quentin'])('reads page after page of %s without a gap or a repeat', async (q) => {
  const names = Array.from({ length: 7 }, (_, n) => `quentin_${q}_${n}`);
  for (const name of names) await named(name);
  const seen: string[] = [];
  let path: string | undefined = `/api/v1/users/search?q=${q}&limit=2`;
  while (path !== undefined) {
    const page: Answer = await reader.get(path);
    seen.push(...namesOf(page));
    await named(`quentin_${q}_0${seen.length}`);
    path = /<(?<next>[^>]+)>; rel="next"/.exec(page.headers.get('link') ?? '')?.groups?.next;
  }
  expect(seen.filter((name) => names.includes(name))).toEqual(names);
  expect(new Set(seen).size).toBe(seen.length);
});

it('follows blocks, mutes and suspensions at once', async () => {
  const person = await named('isambard');
  expect(await found('isambard')).toEqual(['isambard']);
  for (const what of ['mute', 'block']) {
    await reader.write('PUT', `/api/v1/users/isambard/${what}`);
    expect([what, await found('isambard')]).toEqual([what, []]);
    await reader.write('DELETE', `/api/v1/users/isambard/${what}`);
  }
  expect(await found('isambard')).toEqual(['isambard']);
  await app.arrange('update posts.profiles set suspended_at = now() where user_id = $1', [person.id]);
  expect(await found('isambard')).toEqual([]);
});

it.each(['!!!', '"', '\u0000', '…', '%', '_%'])('finds nobody for %j', async (q) => {
  const answer = await search(q);
  expect([answer.status, answer.json]).toEqual([200, { items: [], nextCursor: null }]);
});

it('leaves all other names to the profiles', async () => {
  await named('searches');
  expect((await reader.get('/api/v1/users/searches')).json.username).toBe('searches');
  const beside = serviceRoutes.posts
    .filter(({ path }) => /^\/api\/v1\/users\/[^/:]+$/.test(path))
    .map(({ path }) => path.split('/').at(-1));
  // Too short to be a name, and one that auth gives to nobody.
  expect([...new Set(beside)].sort()).toEqual(['me', 'search']);
});
