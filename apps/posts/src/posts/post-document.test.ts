import { documentOf, packPost, unpackPost } from './post-document';
import type { PostRow } from './post-row';

const id = (digit: number) => `00000000-0000-7000-8000-${String(digit).padStart(12, '0')}`;

const row: PostRow = {
  id: id(1),
  author_id: id(2),
  username: 'ada',
  text: 'ß 🚀',
  facets: [],
  media: [],
  visibility: 'public',
  reply_to: null,
  root_id: null,
  quote_of: null,
  created_at: new Date(0),
  edited_at: null,
  version: 3,
  likes: 4,
  reposts: 5,
  replies: 6,
  quotes: 7,
  hidden: false,
  deleted: false,
  author_private: false,
  author_gone: false,
  mentioned: null,
};

const facts = { authorId: id(2), visibility: 'public', hidden: false, deleted: false, mentioned: [] };

it('comes out of the cache as it went in', () => {
  const { etag, body, ...rest } = unpackPost(packPost(documentOf(row)));
  expect(rest.facts).toEqual(facts);
  expect(etag).toBe('"2.3.4-5-6-7"');
  expect(JSON.parse(body.toString())).toMatchObject({
    id: id(1),
    text: 'ß 🚀',
    counts: { likes: 4, reposts: 5, replies: 6, quotes: 7 },
  });
});

it.each(['public', 'followers', 'mentioned'] as const)('keeps the facts of a %s post', (visibility) => {
  const mentioned = visibility === 'mentioned' ? [id(3), id(4)] : null;
  for (const hidden of [false, true])
    for (const deleted of [false, true]) {
      const unpacked = unpackPost(packPost(documentOf({ ...row, visibility, hidden, deleted, mentioned })));
      expect(unpacked.facts).toEqual({ ...facts, visibility, hidden, deleted, mentioned: mentioned ?? [] });
      expect(JSON.parse(unpacked.body.toString())).toMatchObject({ id: id(1) });
    }
});

it('says nothing of what has been deleted', () => {
  const { body, etag } = unpackPost(packPost(documentOf({ ...row, deleted: true })));
  expect(JSON.parse(body.toString())).toEqual({ id: id(1), deleted: true });
  expect(etag).not.toBe(unpackPost(packPost(documentOf(row))).etag);
});

it('is the same bytes in whichever order PostgreSQL keeps the fields', () => {
  const one = packPost(documentOf({ ...row, facets: [{ type: 'tag', start: 0, end: 2, tag: 'a' }] }));
  const other = packPost(documentOf({ ...row, facets: [{ tag: 'a', end: 2, type: 'tag', start: 0 }] }));
  expect(one.equals(other)).toBe(true);
});
