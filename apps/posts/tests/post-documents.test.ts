import path from 'node:path';
import { postVisibility } from '@rostrum/contracts';
import { createDatabase, newId, withClient, type Database } from '@rostrum/data-access';
import { createTestDatabase, type TestDatabase } from '@rostrum/testing';
import fc from 'fast-check';
import { toPostBody, type Post } from '../src/posts/post';
import { postEtag, unpackPost } from '../src/posts/post-document';
import { packedOf, PostDocuments } from '../src/posts/post-documents.repository';

let testDatabase: TestDatabase;
let database: Database;
let documents: PostDocuments;

beforeAll(async () => {
  testDatabase = await createTestDatabase('posts', path.join(__dirname, '../migrations'));
  database = createDatabase({ url: testDatabase.url });
  documents = new PostDocuments(database);
});
afterAll(async () => {
  await database.close();
  await testDatabase.drop();
});

interface Kept {
  post: Post;
  mentioned: string[];
  isHidden: boolean;
  isDeleted: boolean;
  isPrivate: boolean;
  isGone: boolean;
}

const odd = [
  '"',
  '\\',
  '/',
  '\b',
  '\f',
  '\n',
  '\r',
  '\t',
  '\u0001',
  '\u001f',
  '\u007f',
  '\u2028',
  '<',
  '{',
  '🚀',
];
const text = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: fc.constantFrom(...odd) }),
  fc.string({ unit: 'binary' }).filter((each) => !each.includes('\u0000')),
);
const id = fc.uuid({ version: 7 });
const maybe = <T>(some: fc.Arbitrary<T>) => fc.option(some, { freq: 2 });
const time = fc.date({ min: new Date('1970-01-01'), max: new Date('9999-12-31'), noInvalidDate: true });
const count = fc.oneof(fc.nat(20), fc.nat(2 ** 31 - 1));
const range = { start: fc.nat(2_000), end: fc.integer({ min: 1, max: 2_000 }) };
/** Their fields in no order. */
const facet = fc.oneof(
  fc.record({ url: text, ...range, type: fc.constant('link' as const) }),
  fc.record({ username: text, type: fc.constant('mention' as const), userId: id, ...range }),
  fc.record({ ...range, tag: text, type: fc.constant('tag' as const) }),
);
const media = fc.record({ alt: text, id, url: text, type: text, width: count, height: count });
const post: fc.Arbitrary<Post> = fc.record({
  id: fc.constant('').map(newId),
  author: fc.record({ id, username: text }),
  text,
  facets: fc.array(facet, { maxLength: 3 }),
  media: fc.array(media, { maxLength: 2 }),
  visibility: fc.constantFrom(...postVisibility.options),
  replyTo: fc.constant(null),
  rootId: fc.constant(null),
  quoteOf: maybe(id),
  createdAt: time,
  editedAt: maybe(time),
  version: fc.integer({ min: 1, max: 1_000 }),
  counts: fc.record({ likes: count, reposts: count, replies: count, quotes: count }),
});
const kept: fc.Arbitrary<Kept> = fc
  .record({
    post,
    answered: maybe(fc.tuple(id, id)),
    mentioned: fc.uniqueArray(id, { maxLength: 3 }),
    isHidden: fc.boolean(),
    isDeleted: fc.boolean(),
    isPrivate: fc.boolean(),
    isGone: fc.boolean(),
  })
  .map(({ post: written, answered, ...rest }) => {
    const [replyTo, rootId] = answered ?? [null, null];
    return { post: { ...written, replyTo, rootId }, ...rest };
  });

async function keep({ post: each, mentioned, ...is }: Kept): Promise<void> {
  const { likes, reposts, replies, quotes } = each.counts;
  const { author } = each;
  await withClient(testDatabase.adminUrl, async (admin) => {
    await admin.query(
      `insert into posts.profiles (user_id, username, created_at, is_private, suspended_at)
       values ($1, $2, now(), $3, case when $4 then now() end)`,
      [author.id, author.username, is.isPrivate, is.isGone],
    );
    await admin.query(
      `insert into posts.posts (id, author_id, text, facets, media, visibility, reply_to, root_id, quote_of,
         created_at, edited_at, version, likes, reposts, replies, quotes, hidden_at, deleted_at)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16,
               case when $17 then now() end, case when $18 then now() end)`,
      [
        ...[each.id, author.id, each.text, JSON.stringify(each.facets), JSON.stringify(each.media)],
        ...[each.visibility, each.replyTo, each.rootId, each.quoteOf, each.createdAt, each.editedAt],
        ...[each.version, likes, reposts, replies, quotes, is.isHidden, is.isDeleted],
      ],
    );
    await admin.query(`insert into posts.post_mentions (post_id, user_id) select $1, unnest($2::uuid[])`, [
      each.id,
      mentioned,
    ]);
  });
}

it('are the bytes that anything else makes of the same posts, whatever is in them', async () => {
  const seed = Date.now();
  process.stdout.write(`fast-check seed ${seed}\n`);
  const names = new Set<string>();
  await fc.assert(
    fc.asyncProperty(kept, async (given) => {
      const { post: written, isDeleted } = given;
      // Everybody has a name of their own.
      fc.pre(!names.has(written.author.username));
      names.add(written.author.username);
      await keep(given);
      const row = await documents.find(written.id);
      if (!row) throw new Error('It is not there');
      const { facts, etag, body, bytes } = unpackPost(Buffer.from(packedOf(row)));
      const whole = isDeleted ? { id: written.id, deleted: true } : toPostBody(written);
      expect(body).toBe(JSON.stringify(whole));
      expect(etag).toBe(isDeleted ? `"2.${written.version}.deleted"` : postEtag(written));
      expect(bytes).toBe(Buffer.byteLength(body));
      expect([row.author_private, row.author_gone]).toEqual([given.isPrivate, given.isGone]);
      expect({ ...facts, mentioned: [...facts.mentioned].sort() }).toEqual({
        authorId: written.author.id,
        visibility: written.visibility,
        hidden: given.isHidden,
        deleted: isDeleted,
        mentioned: written.visibility === 'mentioned' ? [...given.mentioned].sort() : [],
      });
    }),
    { seed, numRuns: 300 },
  );
});
