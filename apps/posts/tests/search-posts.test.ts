import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { v7 as uuidv7 } from 'uuid';
import { PostsApp, type Answer, type Caller } from './posts-app';

let app: PostsApp;
let ada: Caller;
let reader: Caller;

beforeAll(async () => {
  app = await PostsApp.start();
  [ada, reader] = [await app.member('ada'), await app.member('reader')];
});
afterAll(() => app.stop());

const idsOf = ({ json }: Answer): string[] => json.items.map(({ id }: { id: string }) => id);
const search = (q: string, more = '', caller = reader) =>
  caller.get(`/api/v1/posts/search?q=${encodeURIComponent(q)}${more}`);
const found = async (q: string) => idsOf(await search(q));

/** A word that no other test uses. */
const newWord = () => `w${randomUUID().replaceAll('-', '')}`;

it.each([
  [
    'Good morning, Berlin!',
    ['berlin', 'BERLIN morning', '"good morning"', 'good -night'],
    ['berli', '-berlin', '"morning good"', 'good -berlin'],
  ],
  ['Ein Café in der Straße, naïve Ideen', ['cafe', 'CAFÉ', 'cafe\u0301', 'naive', 'straße'], ['caf']],
  ['Пётр пишет: «Привет, мир»', ['привет', 'ПРИВЕТ МИР', 'петр'], ['приве']],
  ['今日は東京タワーに行きました', ['東京', '東京タワー', 'タワー', '行き'], ['京東', '大阪']],
  ['สวัสดีชาวโลก', ['โลก', 'สวัสดี'], ['ไทย']],
  ['대한민국의 수도는 서울이다', ['대한민국', '서울'], ['부산']],
  ['مرحبا بالعالم', ['مرحبا', 'بالعالم'], ['سلام']],
  ['नमस्ते दुनिया', ['नमस्ते', 'दुनिया'], ['भारत']],
  ['🎉party🎉 with 👩‍👩‍👧 and 👍🏽', ['party', '🎉', '👩‍👩‍👧', '👍', '"🎉 with"'], ['🎂', 'parties']],
  [
    'It’s well-known: “don’t” & e-mail <b>bold</b>',
    ["it's", 'well-known', 'known', "don't", '"e mail"', '<b>'],
    ['dont'],
  ],
  [
    'see https://example.com/a_b?x=1e5#top and @ada #tagged',
    ['example.com', 'a_b', '1e5', 'x=1e5', '"1e5 top and ada tagged"', '@ada', '#tagged'],
    ['1e'],
  ],
  ['Ｆｕｌｌ　ｗｉｄｔｈ ﬁne ①', ['full width', 'fine', '1'], []],
])('finds %s by what is in it', async (text, finding, missing) => {
  const mark = newWord();
  const { id } = await ada.post(`${text} ${mark}`);
  for (const q of finding) expect([q, await found(`${q} ${mark}`)]).toEqual([q, [id]]);
  for (const q of missing) expect([q, await found(`${q} ${mark}`)]).toEqual([q, []]);
});

it('takes alternatives, each with all of its words', async () => {
  const [one, two] = [newWord(), newWord()];
  const first = await ada.post(`${one} red`);
  const second = await ada.post(`${two} green`);
  await ada.post(`${two} blue`);
  expect(await found(`${one} red or ${two} green`)).toEqual([second.id, first.id]);
  expect(await found(`${one} green or ${two} red`)).toEqual([]);
  expect(await found(`${one} or -${two}`)).toEqual([first.id]);
});

it.each(['!!!', '-word', '"', '""', 'or', '-', '\u0000', '…', '& | !', '-"a b"'])(
  'finds nothing for %j, in which there is nothing to be found',
  async (q) => {
    const answer = await search(q);
    expect([answer.status, answer.json]).toEqual([200, { items: [], nextCursor: null }]);
  },
);

it.each([
  ['nothing', ''],
  ['white space', '?q=%20%20'],
  ['more than is looked for', `?q=${'x'.repeat(201)}`],
  ['several texts', '?q=a&q=b'],
  ['a field that there is not', '?q=a&sort=likes'],
  ['too long a page', '?q=a&limit=101'],
])('refuses %s', async (_what, query) => {
  const answer = await reader.get(`/api/v1/posts/search${query}`);
  expect([answer.status, answer.json.code]).toEqual([400, 'VALIDATION_FAILED']);
});

it('is never broken by what is asked, nor shows more for it', async () => {
  const secret = newWord();
  await ada.post(`Only for followers: ${secret}`, { visibility: 'followers' });
  const special = fc.constantFrom(
    ...[`'`, `''`, '"', '\\', '\\\\', ':*', '<->', '<5>', '&', '|', '!', '(', ')', '%', '_', '*', '$$', '$1'],
    ...['--', '/*', ';', '\0', '\u202e', '\ud800', '\uffff', 'or', ' or ', '-', '-"', ':', '@', '#', 'null'],
    ...["' or 1=1 --", "'; drop table posts.posts; --", '?', '??', '\\?', '{}', '[]', '٣', 'ﷺ', '\u0301'],
    secret,
  );
  const piece = fc.oneof({ weight: 3, arbitrary: special }, fc.string({ unit: 'binary', maxLength: 8 }));
  const query = fc
    .array(piece, { minLength: 1, maxLength: 12 })
    .map((parts) => parts.join('').slice(0, 200))
    .filter((text) => text.trim() !== '');
  const paths = ['/api/v1/posts/search', '/api/v1/users/search', '/api/v1/posts/tags/search'];
  await fc.assert(
    fc.asyncProperty(query, fc.constantFrom(...paths), async (text, path) => {
      const answer = await reader.get(`${path}?q=${encodeURIComponent(text.toWellFormed())}`);
      expect([answer.status, answer.text.includes(secret)]).toEqual([200, false]);
    }),
    { numRuns: 500 },
  );
  // Nor by what is no text at all.
  for (const raw of ['%', '%ff%fe', '%ed%a0%80', '%00', '+', 'a%'])
    expect([raw, (await reader.get(`/api/v1/posts/search?q=${raw}`)).status]).toEqual([
      raw,
      raw === '+' ? 400 : 200,
    ]);
});

it('follows what a post says now, and whether it is there', async () => {
  const [before, after] = [newWord(), newWord()];
  const created = await ada.send('POST', '/api/v1/posts', { body: JSON.stringify({ text: before }) });
  const path = `/api/v1/posts/${created.json.id}`;
  const headers = { 'if-match': created.headers.get('etag') ?? '' };
  expect((await ada.write('PATCH', path, { text: after }, headers)).status).toBe(200);
  expect([await found(before), await found(after)]).toEqual([[], [created.json.id]]);
  expect((await ada.write('DELETE', path)).status).toBe(204);
  expect(await found(after)).toEqual([]);
});

it('follows blocks, mutes and their end at once', async () => {
  const [word, viewer] = [newWord(), await app.member('viewer')];
  const { id } = await ada.post(word);
  const foundBy = async () => idsOf(await search(word, '', viewer));
  expect(await foundBy()).toEqual([id]);
  for (const what of ['mute', 'block']) {
    await viewer.write('PUT', `/api/v1/users/${ada.username}/${what}`);
    expect([what, await foundBy()]).toEqual([what, []]);
    await viewer.write('DELETE', `/api/v1/users/${ada.username}/${what}`);
    expect([what, await foundBy()]).toEqual([what, [id]]);
  }
});

it('reads page after page without a gap or a repeat, whatever comes meanwhile', async () => {
  const word = newWord();
  const ids: string[] = [];
  for (let n = 0; n < 7; n += 1) ids.unshift((await ada.post(`${word} ${n}`)).id);
  const seen: string[] = [];
  let path: string | undefined = `/api/v1/posts/search?q=${word}&limit=2`;
  while (path !== undefined) {
    const page: Answer = await reader.get(path);
    seen.push(...idsOf(page));
    await ada.post(`${word} and more`);
    if (seen.length === 4) await ada.write('DELETE', `/api/v1/posts/${seen[3]}`);
    path = /<(?<next>[^>]+)>; rel="next"/.exec(page.headers.get('link') ?? '')?.groups?.next;
  }
  expect(seen).toEqual(ids);
});

it('finds on its pages, once each, what is there all the while, whatever is written, changed and deleted', async () => {
  const change = fc.constantFrom<'add' | 'edit' | 'delete' | 'other'>('add', 'edit', 'delete', 'other');
  const changes = fc.array(fc.tuple(change, fc.nat()), { minLength: 4, maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(changes, fc.integer({ min: 1, max: 4 }), async (todo, limit) => {
      const word = newWord();
      const post = async (text: string) => (await ada.post(text)).id as string;
      const there: string[] = [];
      for (let n = 0; n < 8; n += 1) there.push(await post(`${word} ${n}`));
      const stayed = new Set(there);
      const seen: string[] = [];
      let cursor: string | null = '';
      while (cursor !== null) {
        const page: Answer = await search(word, `&limit=${limit}${cursor && `&cursor=${cursor}`}`);
        seen.push(...idsOf(page));
        cursor = page.json.nextCursor;
        const [kind, which] = todo.pop() ?? ['other', 0];
        const id = there[which % there.length] ?? '';
        if (kind === 'add') there.push(await post(`more ${word}`));
        else if (kind === 'other') await post('something else');
        else {
          const path = `/api/v1/posts/${id}`;
          if (kind === 'delete') await ada.write('DELETE', path);
          else {
            const etag = (await ada.get(path)).headers.get('etag') ?? '';
            await ada.write('PATCH', path, { text: 'changed' }, { 'if-match': etag });
          }
          stayed.delete(id);
        }
      }
      expect(new Set(seen).size).toBe(seen.length);
      expect(seen).toEqual([...seen].sort().reverse());
      expect(seen.filter((id) => stayed.has(id))).toEqual([...stayed].reverse());
    }),
    { numRuns: 12 },
  );
});

it('reads on where others are left out, and ends', async () => {
  const [word, loud] = [newWord(), await app.member('loud')];
  const { id } = await ada.post(word);
  const many = Array.from({ length: 300 }, () => uuidv7());
  await app.rows(
    `insert into posts.posts (id, author_id, text, created_at) select unnest($1::uuid[]), $2, $3, now()`,
    [many, loud.id, word],
  );
  await reader.write('PUT', `/api/v1/users/${loud.username}/mute`);
  const answer = await search(word, '&limit=5');
  expect([idsOf(answer), answer.json.nextCursor]).toEqual([[id], null]);
});

it('has cursors for one search of one person', async () => {
  const word = newWord();
  for (let n = 0; n < 2; n += 1) await ada.post(word);
  const { nextCursor } = (await search(word, '&limit=1')).json;
  expect((await search(word, `&cursor=${nextCursor}`)).status).toBe(200);
  for (const answer of [
    await search(`${word} more`, `&cursor=${nextCursor}`),
    await search(word, `&cursor=${nextCursor}`, ada),
    await reader.get(`/api/v1/users/search?q=${word}&cursor=${nextCursor}`),
  ])
    expect([answer.status, answer.json.code]).toEqual([400, 'INVALID_CURSOR']);
});

it('is for those who are signed in', async () => {
  expect((await search('anything', '', app.anonymous())).status).toBe(401);
});
