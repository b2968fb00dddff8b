import { PostsApp, type Answer, type Caller } from './posts-app';

let app: PostsApp;
let ada: Caller;
let reader: Caller;

beforeAll(async () => {
  app = await PostsApp.start();
  [ada, reader] = [await app.member('ada'), await app.member('reader')];
});
afterAll(() => app.stop());

const tagsOf = ({ json }: Answer): string[] => json.items.map(({ tag }: { tag: string }) => tag);
const search = (q: string, more = '') =>
  reader.get(`/api/v1/posts/tags/search?q=${encodeURIComponent(q)}${more}`);
const found = async (q: string) => tagsOf(await search(q));

it('finds tags by what they begin with, each once, then what is similar', async () => {
  for (const text of ['#sunset #sunrise', '#Sunrise', '#sun #moon', '#SUNRISE #sunrise_1'])
    await ada.post(text);
  expect(await found('sun')).toEqual(['sun', 'sunrise', 'sunrise_1', 'sunset']);
  expect((await found('#SUNR')).slice(0, 2)).toEqual(['sunrise', 'sunrise_1']);
  expect(await found('sunrize')).toEqual(['sunrise', 'sunrise_1']);
  expect(await found('unrise')).toEqual(['sunrise', 'sunrise_1']);
  expect(await found('su')).toEqual(['sun', 'sunrise', 'sunrise_1', 'sunset']);
  expect(await found('un')).toEqual([]);
  expect(await found('eclipse')).toEqual([]);
});

it('forgets a tag with its last post', async () => {
  const known = () => app.rows(`select tag from posts.tags where tag = 'passing'`);
  const posts = [await ada.post('#passing'), await ada.post('#passing too')];
  expect(await known()).toEqual([{ tag: 'passing' }]);
  await ada.write('DELETE', `/api/v1/posts/${posts[0].id}`);
  expect([await found('pasing'), await known()]).toEqual([['passing'], [{ tag: 'passing' }]]);
  await ada.write('DELETE', `/api/v1/posts/${posts[1].id}`);
  expect([await found('pasing'), await known()]).toEqual([[], []]);
});

it('is no reason for those who use and delete the same tags at once to wait for each other for ever', async () => {
  const people = await Promise.all(Array.from({ length: 8 }, () => app.member('busy')));
  const tags = ['#crowd1', '#crowd2', '#crowd3', '#crowd4'];
  await Promise.all(
    people.map(async (person, n) => {
      for (let time = 0; time < 6; time += 1) {
        const ordered = [...tags.slice((n + time) % 4), ...tags.slice(0, (n + time) % 4)];
        const { id } = await person.post(ordered.join(' '));
        expect((await person.write('DELETE', `/api/v1/posts/${id}`)).status).toBe(204);
      }
    }),
  );
  await ada.post(tags.join(' '));
  expect(await app.rows(`select tag from posts.tags where tag like 'crowd%'`)).toHaveLength(4);
  expect(await found('crowd')).toEqual(['crowd1', 'crowd2', 'crowd3', 'crowd4']);
});

it('finds tags of all languages, however they are written', async () => {
  await ada.post('#Café_Noir #привет #東京タワー');
  for (const [q, tag] of [
    ['CAFE\u0301', 'café_noir'],
    ['При', 'привет'],
    ['東', '東京タワー'],
    ['привед', 'привет'],
    ['京タワー', '東京タワー'],
  ] as const)
    expect([q, await found(q)]).toEqual([q, [tag]]);
});

it('says nothing of tags of posts that one does not see, or that are gone', async () => {
  const [secret, loud] = [await app.member('secret'), await app.member('loud')];
  await app.arrange('update posts.profiles set is_private = true where user_id = $1', [secret.id]);
  await secret.post('#hushprivate');
  await ada.post('#hushfollowers', { visibility: 'followers' });
  const { id } = await ada.post('#hushdeleted');
  await ada.write('DELETE', `/api/v1/posts/${id}`);
  await loud.post('#hushmuted');
  await ada.post('#hushshown');
  expect(await found('hush')).toEqual(['hushmuted', 'hushshown']);
  await reader.write('PUT', `/api/v1/users/${loud.username}/mute`);
  expect(await found('hush')).toEqual(['hushshown']);
  expect(tagsOf(await secret.get('/api/v1/posts/tags/search?q=hush'))).toContain('hushprivate');
});

it('reads page after page without a gap or a repeat, whatever comes meanwhile', async () => {
  await ada.post('#page1 #page2 #page3 #page4 #page5');
  const seen: string[] = [];
  let path: string | undefined = '/api/v1/posts/tags/search?q=page&limit=2';
  while (path !== undefined) {
    const page: Answer = await reader.get(path);
    seen.push(...tagsOf(page));
    await ada.post(`#page0 #page1 #page${seen.length}`);
    path = /<(?<next>[^>]+)>; rel="next"/.exec(page.headers.get('link') ?? '')?.groups?.next;
  }
  expect(seen).toEqual(['page1', 'page2', 'page3', 'page4', 'page5']);
});

it('is the tag "search" itself where nothing is looked for', async () => {
  const { id } = await ada.post('All about #search');
  for (const path of ['/api/v1/posts/tags/search', '/api/v1/posts/tags/Search']) {
    const { json } = await reader.get(path);
    expect([path, json.items.map((post: { id: string }) => post.id)]).toEqual([path, [id]]);
  }
  const more = await ada.post('More about #search');
  const first = await reader.get('/api/v1/posts/tags/search?limit=1');
  const second = await reader.get(`/api/v1/posts/tags/search?limit=1&cursor=${first.json.nextCursor}`);
  expect([first, second].map(({ json }) => json.items[0].id)).toEqual([more.id, id]);
});

it.each(['###', '#', '%', '-', '!!!'])('finds none for %j', async (q) => {
  const answer = await search(q);
  expect([answer.status, answer.json]).toEqual([200, { items: [], nextCursor: null }]);
});
