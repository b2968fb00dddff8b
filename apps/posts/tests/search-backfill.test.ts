import path from 'node:path';
import { migrate, withClient } from '@rostrum/data-access';
import { createTestDatabase, type TestDatabase } from '@rostrum/testing';

const location = { directory: path.join(__dirname, '../migrations'), schema: 'posts' };

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase('posts', { source: {} });
});
afterAll(() => database.drop());

it('gives posts of before their words, however many there are, and finds their tags', async () => {
  await migrate(database.ownerUrl, { ...location, to: '20261208100000-create-search-words' }, 'up');
  await withClient(database.ownerUrl, async (client) => {
    await client.query(`
      insert into profiles (user_id, username, created_at) values ('0190b5a0-0000-7000-8000-000000000000', 'ada', now());
      insert into posts (id, author_id, text, created_at)
      select gen_random_uuid(), user_id, 'Text ' || n, now() from profiles, generate_series(1, 2500) n;
      update posts set words = null where text <> 'Text 7';
      insert into post_tags (tag, post_id) select case when random() < 0.5 then 'one' else 'two' end, id from posts`);
    await migrate(database.ownerUrl, location, 'up');
    const { rows } = await client.query(
      `select count(*)::int as all, count(*) filter (where words = posts.search_words(text))::int as right from posts`,
    );
    expect(rows).toEqual([{ all: 2500, right: 2500 }]);
    const tags = await client.query('select tag from tags order by tag');
    expect(tags.rows).toEqual([{ tag: 'one' }, { tag: 'two' }]);
  });
});
