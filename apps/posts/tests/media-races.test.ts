import { hash, randomUUID } from 'node:crypto';
import { createDatabase } from '@rostrum/data-access';
import { waitFor } from '@rostrum/testing';
import fc from 'fast-check';
import { MediaRemovalsRepository } from '../src/media/media-removals.repository';
import { PostsApp, type Caller } from './posts-app';

const daySeconds = 86_400;
const pictures = 4;

let app: PostsApp;
let database: ReturnType<typeof createDatabase>;

beforeAll(async () => {
  app = await PostsApp.start();
  database = createDatabase({ url: app.database.url, max: 2 });
});
afterAll(async () => {
  await database.close();
  await app.stop();
});

const deeds = ['post', 'edit', 'draft', 'publish', 'avatar', 'noAvatar', 'describe', 'age', 'sweep'] as const;

interface Deed {
  what: (typeof deeds)[number];
  /** Which of the pictures, in this order. */
  which: number[];
}

const deed: fc.Arbitrary<Deed> = fc.record({
  what: fc.constantFrom(...deeds),
  which: fc.uniqueArray(fc.nat({ max: pictures - 1 }), { minLength: 1, maxLength: 3 }),
});

/** Besides 503, which says that nothing has been done. */
const mayAnswer: Record<Deed['what'], number[]> = {
  post: [201, 422],
  edit: [200, 412, 422],
  draft: [201, 422],
  publish: [201, 404, 422],
  avatar: [200, 422],
  noAvatar: [200],
  describe: [200, 404, 409],
  age: [200],
  sweep: [200],
};

interface Scene {
  ada: Caller;
  ids: string[];
  postId: string;
  draftId: string;
}

/** Somebody with pictures that nobody has used for two days, a post and a draft. */
async function open(): Promise<Scene> {
  const ada = await app.member('ada');
  const ids = Array.from({ length: pictures }, () => randomUUID());
  await app.rows(
    `insert into posts.media (id, owner_id, type, bytes, alt, width, height, completed_at, touched_at)
     select unnest($1::uuid[]), $2, 'image/png', 1, '', 1, 1, now(), now() - interval '2 days'`,
    [ids, ada.id],
  );
  const { id: postId } = await ada.post('Mine');
  const draft = await ada.write('POST', '/api/v1/posts/drafts', { text: 'Soon', media: [ids[0]] });
  return { ada, ids, postId, draftId: draft.json.id };
}

async function perform({ ada, ids, postId, draftId }: Scene, { what, which }: Deed): Promise<number> {
  const media = which.map((index) => ids[index]);
  const drafts = '/api/v1/posts/drafts';
  const status = async (method: string, path: string, body?: unknown, headers = {}) =>
    (await ada.write(method, path, body, headers)).status;
  switch (what) {
    case 'post':
      return status('POST', '/api/v1/posts', { text: 'Look', media });
    case 'edit': {
      const { headers } = await ada.get(`/api/v1/posts/${postId}`);
      const ifMatch = { 'If-Match': headers.get('etag') ?? '' };
      return status('PATCH', `/api/v1/posts/${postId}`, { text: 'Mine', media }, ifMatch);
    }
    case 'draft':
      return status('POST', drafts, { text: 'Soon', media });
    case 'publish':
      return status('POST', `${drafts}/${draftId}/publish`);
    case 'avatar':
    case 'noAvatar':
      return status('PATCH', '/api/v1/users/me', { avatarId: what === 'avatar' ? media[0] : null });
    case 'describe':
      return status('PATCH', `/api/v1/posts/media/${media[0]}`, { alt: randomUUID() });
    case 'age':
      await app.rows(
        `update posts.media set touched_at = touched_at - interval '2 days' where owner_id = $1`,
        [ada.id],
      );
      return 200;
    case 'sweep':
      await new MediaRemovalsRepository(database).removeUnused(daySeconds, 10);
      return 200;
  }
}

/** What must hold of the tables whenever nothing is under way: each of these has no row. */
const wrongs = {
  'a post that shows a picture that is not its own': `
    select from (select id, author_id, media from posts.posts where author_id = $1
                 union all select p.id, p.author_id, v.media from posts.post_versions v
                   join posts.posts p on p.id = v.post_id where p.author_id = $1) shown,
         jsonb_array_elements(shown.media) picture
     where not exists (select from posts.media m where m.id = (picture->>'id')::uuid
                          and m.post_id = shown.id and m.owner_id = shown.author_id)`,
  'a post that says something else of a picture than the picture': `
    select from posts.posts p, jsonb_array_elements(p.media) shown
      join posts.media m on m.id = (shown->>'id')::uuid
     where p.author_id = $1 and m.alt <> shown->>'alt'`,
  'a picture of a post that has never shown it': `
    select from posts.media m where owner_id = $1 and post_id is not null
       and not exists (select from posts.posts p where p.id = m.post_id
                          and p.media @> jsonb_build_array(jsonb_build_object('id', m.id)))
       and not exists (select from posts.post_versions v where v.post_id = m.post_id
                          and v.media @> jsonb_build_array(jsonb_build_object('id', m.id)))`,
  'a draft with a picture that is gone': `
    select from posts.drafts d, unnest(d.media) picture where d.author_id = $1
       and not exists (select from posts.media m where m.id = picture and m.owner_id = $1)`,
  'a profile with another picture than the one that says so': `
    select from posts.profiles a where user_id = $1
       and array(select id from posts.media where owner_id = $1 and is_avatar)
           <> array_remove(array[avatar_id], null)`,
};

async function expectConsistent({ ada, ids }: Scene): Promise<void> {
  const found = [];
  for (const [wrong, sql] of Object.entries(wrongs))
    if ((await app.rows(sql, [ada.id])).length > 0) found.push(wrong);
  expect(found).toEqual([]);
  const lost = await app.rows(
    `select from unnest($1::uuid[]) id where not exists (select from posts.media m where m.id = id.id)
        and not exists (select from posts.media_removals where object_key = 'media/' || id.id)`,
    [ids],
  );
  expect(lost).toEqual([]);
}

/** Somebody in the middle of a change of a picture: what is asked for meanwhile waits until they are done. */
async function amid<T>(change: [sql: string, values: unknown[]], ask: () => Promise<T>): Promise<T> {
  let asked: Promise<T> | undefined;
  await database.transaction(async (trx) => {
    await trx.query(hash('sha1', change[0]), ...change);
    asked = ask();
    const waits = `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
    await waitFor(async () => (await app.rows(waits)).length > 0, { what: 'somebody who waits' });
  });
  if (!asked) throw new Error('Nothing was asked for');
  return asked;
}

describe('what a picture shows', () => {
  it('is what its owner has said last, also where a post takes it just then', async () => {
    const { ada, ids, postId } = await open();
    const [first, second] = ids;
    const say = (id: string | undefined): [string, unknown[]] => [
      'update posts.media set alt = $2 where id = $1',
      [id, 'A dog'],
    ];
    const publish = () => ada.write('POST', '/api/v1/posts', { text: 'Look', media: [first] });
    const published = await amid(say(first), publish);
    expect([published.status, published.json.media[0].alt]).toEqual([201, 'A dog']);
    const { headers } = await ada.get(`/api/v1/posts/${postId}`);
    const ifMatch = { 'If-Match': headers.get('etag') ?? '' };
    const body = { text: 'Mine', media: [second] };
    const edited = await amid(say(second), () =>
      ada.write('PATCH', `/api/v1/posts/${postId}`, body, ifMatch),
    );
    expect([edited.status, edited.json.media[0].alt]).toEqual([200, 'A dog']);
  });

  it('is not said past a post that takes it just then', async () => {
    const { ada, ids, postId } = await open();
    const takes: [string, unknown[]] = [
      'update posts.media set post_id = $2 where id = $1',
      [ids[0], postId],
    ];
    const say = () => ada.write('PATCH', `/api/v1/posts/media/${ids[0]}`, { alt: 'A dog' });
    const early = await amid(takes, say);
    expect([early.status, early.json.code, early.headers.get('retry-after')]).toEqual([
      409,
      'MEDIA_IN_PROGRESS',
      '1',
    ]);
    expect((await say()).status).toBe(200);
  });
});

/** What is done at once, and then what is done at once after that. */
const waves = fc.array(fc.array(deed, { minLength: 1, maxLength: 4 }), { minLength: 3, maxLength: 8 });

it('a picture is in one place, and there for as long as it is in any, whatever happens at once', async () => {
  const property = fc.asyncProperty(waves, async (all) => {
    const scene = await open();
    const answered = async (each: Deed) => {
      const status = await perform(scene, each);
      if (status !== 503 && !mayAnswer[each.what].includes(status))
        throw new Error(`${each.what} was answered ${status}`);
    };
    for (const wave of all) {
      // Two days pass between waves, if at all.
      for (const each of wave.filter(({ what }) => what === 'age')) await answered(each);
      await Promise.all(wave.filter(({ what }) => what !== 'age').map(answered));
      await expectConsistent(scene);
    }
  });
  await fc.assert(property, { numRuns: 20 });
});
