import { waitFor } from '@rostrum/testing';
import { PostsApp, type Answer, type Caller } from './posts-app';

let app: PostsApp;
let ada: Caller;

beforeAll(async () => {
  app = await PostsApp.start();
});
afterAll(() => app.stop());
beforeEach(async () => {
  ada = await app.member('ada');
});

const idsOf = ({ json }: Answer): string[] => json.items.map(({ id }: { id: string }) => id);
const withTag = (tag: string, query = '') => ada.get(`/api/v1/posts/tags/${encodeURIComponent(tag)}${query}`);

describe('the posts with a tag', () => {
  it('are listed newest first, page by page, whatever comes meanwhile', async () => {
    const ids: string[] = [];
    for (const text of ['#ocean one', 'two #Ocean', 'three #OCEAN #ocean', 'four #ocean', 'five #ocean'])
      ids.unshift((await ada.post(text)).id);
    await ada.post('#oceans are many');
    const first = await withTag('ocean', '?limit=2');
    await ada.post('six #ocean');
    await ada.write('DELETE', `/api/v1/posts/${ids[3]}`);
    const second = await withTag('ocean', `?limit=2&cursor=${first.json.nextCursor}`);
    expect([...idsOf(first), ...idsOf(second)]).toEqual([ids[0], ids[1], ids[2], ids[4]]);
    expect(second.json.nextCursor).toBeNull();
    expect(first.headers.get('link')).toBe(
      `</api/v1/posts/tags/ocean?cursor=${first.json.nextCursor}&limit=2>; rel="next"`,
    );
  });

  it('are the same however the tag is written', async () => {
    const { id } = await ada.post('On the #Caf\u00e9_Terrace');
    for (const written of ['caf\u00e9_terrace', 'CAF\u00c9_TERRACE', 'cafe\u0301_terrace'])
      expect([written, idsOf(await withTag(written))]).toEqual([written, [id]]);
    const page = await withTag('caf\u00e9_terrace', '?limit=1');
    expect(page.json.nextCursor).toBeNull();
  });

  it('follow what a post says now', async () => {
    const created = await ada.send('POST', '/api/v1/posts', { body: JSON.stringify({ text: 'On #monday' }) });
    const etag = created.headers.get('etag') ?? '';
    const path = `/api/v1/posts/${created.json.id}`;
    expect((await ada.write('PATCH', path, { text: 'On #tuesday' }, { 'if-match': etag })).status).toBe(200);
    expect(idsOf(await withTag('monday'))).toEqual([]);
    expect(idsOf(await withTag('tuesday'))).toEqual([created.json.id]);
  });

  it('are none for a tag that nobody has used', async () => {
    expect((await withTag('nobody_uses_this')).json).toEqual({ items: [], nextCursor: null });
  });

  it.each(['123', 'two words', 'a-b', '#ocean', 'a'.repeat(65), "x'; drop table posts; --", '___'])(
    'are refused for %s, which is no tag',
    async (tag) => {
      const answer = await withTag(tag);
      expect([answer.status, answer.json.code]).toEqual([400, 'VALIDATION_FAILED']);
    },
  );

  it('have cursors of their own', async () => {
    for (const text of ['#alone and #together', '#alone and #together']) await ada.post(text);
    const { nextCursor } = (await withTag('alone', '?limit=1')).json;
    for (const answer of [
      await withTag('together', `?cursor=${nextCursor}`),
      await (await app.member('eve')).get(`/api/v1/posts/tags/alone?cursor=${nextCursor}`),
    ])
      expect([answer.status, answer.json.code]).toEqual([400, 'INVALID_CURSOR']);
  });
});

it('says which tags most people use, and counts nobody twice, and nobody who is private', async () => {
  await app.startWorker({ EXPLORE_RANK_EVERY_MS: '100' });
  const people = [ada, await app.member('grace'), await app.member('hedy')];
  for (const person of people) await person.post('We all say #trending1');
  for (const person of people.slice(1)) await person.post('Some say #trending2');
  for (let time = 0; time < 5; time += 1) await ada.post('I say #trending3');
  const secret = await app.member('secret');
  await app.arrange('update posts.profiles set is_private = true where user_id = $1', [secret.id]);
  await secret.post('I say #trending2, and #trending4');
  await ada.post('Only for you: #trending5', { visibility: 'followers' });

  const found = await waitFor(async () => {
    const { json } = await ada.get('/api/v1/posts/tags');
    const trending = json.items.filter(({ tag }: { tag: string }) => tag.startsWith('trending'));
    return trending.length === 3 && trending;
  });
  expect(found).toEqual([
    { tag: 'trending1', people: 3 },
    { tag: 'trending2', people: 2 },
    { tag: 'trending3', people: 1 },
  ]);
});
