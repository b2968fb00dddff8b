import { randomUUID } from 'node:crypto';
import { waitFor } from '@rostrum/testing';
import { v7 as uuidv7 } from 'uuid';
import { PostsApp, type Caller } from './posts-app';

let app: PostsApp;
let ada: Caller;
let reader: Caller;

beforeEach(async () => {
  app = await PostsApp.start();
  [ada, reader] = [await app.member('ada'), await app.member('reader')];
});
afterEach(() => app.stop());

const found = async (q: string): Promise<string[]> => {
  const { json } = await reader.get(`/api/v1/posts/search?q=${q}`);
  return json.items.map(({ id }: { id: string }) => id);
};
const newWord = () => `w${randomUUID().replaceAll('-', '')}`;

/** Whether each post has the words that its text is searched by. */
const haveWords = async () => {
  const rows = await app.rows<{ has: boolean }>(
    'select not words_wait and words is not distinct from posts.search_words(text) as has from posts.posts',
  );
  return rows.every(({ has }) => has);
};
const lag = () => app.metric('search_index_lag_seconds', app.workerOpsUrl);

it('finds posts at once, whether a worker has come to them or not', async () => {
  const word = newWord();
  const { id } = await ada.post(word);
  const { id: replyId } = await reader.post(`To @${ada.username}: ${word}`, { replyTo: id });
  expect([await found(word), await haveWords()]).toEqual([[replyId, id], false]);

  await app.startWorker();
  await waitFor(haveWords, { what: 'the words of both' });
  await waitFor(async () => (await lag()) === 0);
  expect(await found(word)).toEqual([replyId, id]);
  const indexed = () => app.metric('search_posts_indexed_total', app.workerOpsUrl);
  await waitFor(async () => (await indexed()) === 2, { what: 'a count of both' });
});

it('finds an edited post by what it says now, at once, and by nothing else after that', async () => {
  const [before, after] = [newWord(), newWord()];
  const { id } = await ada.post(before);
  const etag = (await ada.get(`/api/v1/posts/${id}`)).headers.get('etag') ?? '';
  await ada.write('PATCH', `/api/v1/posts/${id}`, { text: after }, { 'if-match': etag });
  expect([await found(before), await found(after), await haveWords()]).toEqual([[], [id], true]);
});

it('gives posts their words that were written by a version that leaves it to the trigger', async () => {
  const [word, id] = [newWord(), uuidv7()];
  await app.rows('insert into posts.posts (id, author_id, text, created_at) values ($1, $2, $3, now())', [
    ...[id, ada.id, word],
  ]);
  expect([await found(word), await haveWords()]).toEqual([[id], true]);
});

it('finds all posts in the end, however many have waited, by any number of workers', async () => {
  const word = newWord();
  const [oldest, ...others] = Array.from({ length: 2_500 }, () => uuidv7()) as [string, ...string[]];
  await app.rows(
    `insert into posts.posts (id, author_id, text, created_at, words_wait)
     select id, $2, case when id = $3 then $4 else 'something else' end, now(), true from unnest($1::uuid[]) id`,
    [[oldest, ...others], ada.id, oldest, word],
  );
  // A search reads no more than the newest of them.
  expect(await found(word)).toEqual([]);
  await Promise.all([app.startWorker(), app.startWorker()]);
  await waitFor(haveWords, { what: 'the words of all' });
  expect(await found(word)).toEqual([oldest]);
});
