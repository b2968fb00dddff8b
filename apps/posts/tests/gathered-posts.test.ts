import { randomUUID } from 'node:crypto';
import { withClient } from '@rostrum/data-access';
import { waitFor } from '@rostrum/testing';
import { feedOf } from './feed-app';
import { PostsApp, type Answer, type Caller } from './posts-app';

const people = 30;

let app: PostsApp;
let callers: Caller[];

beforeAll(async () => {
  app = await PostsApp.start();
});
afterAll(() => app.stop());
beforeEach(async () => {
  callers = await Promise.all(Array.from({ length: people }, () => app.person('person')));
});

const publish = (caller: Caller, text: string, key: string = randomUUID()) =>
  caller.write('POST', '/api/v1/posts', { text }, { 'idempotency-key': key });

const statements = () => app.metric('posts_written_together_count');
const written = () => app.metric('posts_written_together_sum');
const isReplay = ({ headers }: Answer) => headers.get('idempotency-replayed') === 'true';

/** What is asked for before anybody can write the table is written together, as far as it has come by then. */
async function meanwhile(work: () => Promise<Answer>[]): Promise<Answer[]> {
  const asked = await withClient(app.database.adminUrl, async (admin) => {
    await admin.query('begin; lock table posts.posts in exclusive mode');
    const answers = work();
    await waitFor(async () => {
      const { rows } = await admin.query('select from pg_locks where not granted');
      return rows.length > 0;
    });
    return { answers };
  });
  return Promise.all(asked.answers);
}

it('share a statement when they come at a time', async () => {
  // How many come at a time is the machine's business: sooner or later some do.
  await waitFor(
    async () => {
      const [before, sum] = [await statements(), await written()];
      await meanwhile(() => callers.map((caller) => publish(caller, 'At the same time')));
      expect((await written()) - sum).toBe(people);
      return (await statements()) - before < people / 2;
    },
    { what: 'a shared statement', timeoutMs: 60_000 },
  );
});

it('are for each of their authors as if there were no others', async () => {
  const answers = await meanwhile(() => callers.map((caller, n) => publish(caller, `Post ${n} #tag${n}`)));

  expect(answers.map(({ status }) => status)).toEqual(callers.map(() => 201));
  for (const [n, caller] of callers.entries()) {
    const { json, text, headers } = answers[n] as Answer;
    expect(json).toMatchObject({ text: `Post ${n} #tag${n}`, author: { id: caller.id } });
    expect(await feedOf(caller)).toEqual([json.id]);
    const read = await caller.get(`/api/v1/posts/${json.id}`);
    expect([read.text, read.headers.get('etag')]).toEqual([text, headers.get('etag')]);
    const tagged = await caller.get(`/api/v1/posts/tags/tag${n}`);
    expect(tagged.json.items.map(({ id }: { id: string }) => id)).toEqual([json.id]);
    const events = await app.rows(
      `select payload->>'postId' as id from posts.outbox where type = 'post.created' and key = $1`,
      [caller.id],
    );
    expect(events).toEqual([{ id: json.id }]);
  }
});

it('are all published but one that is refused', async () => {
  const [first, ...others] = callers as [Caller, ...Caller[]];
  await first.post('I am here');
  const impostor = await app.caller({ id: randomUUID(), username: first.username });
  const answers = await meanwhile(() => [impostor, ...others].map((caller) => publish(caller, 'Me too')));

  const [refused, ...published] = answers;
  expect([refused?.status, refused?.json.code]).toEqual([503, 'PROFILE_NOT_READY']);
  expect(published.map(({ status }) => status)).toEqual(others.map(() => 201));
  const rows = await app.rows('select from posts.posts where author_id = $1', [impostor.id]);
  expect(rows).toEqual([]);
});

it('have keys of their own: the same key at once is one post, whoever else writes', async () => {
  const [ada, ...others] = callers as [Caller, ...Caller[]];
  const key = randomUUID();
  const kept = await publish(ada, 'Before', key);
  const answers = await meanwhile(() => [
    ...others.map((caller) => publish(caller, 'Something', key)),
    publish(ada, 'Before', key),
    publish(ada, 'Before', key),
  ]);
  const [one, two] = answers.slice(-2) as [Answer, Answer];
  expect(answers.slice(0, -2).map(({ status }) => status)).toEqual(others.map(() => 201));
  for (const repeated of [one, two]) {
    if (repeated.status === 201) expect([isReplay(repeated), repeated.text]).toEqual([true, kept.text]);
    else expect([repeated.status, repeated.json.code]).toEqual([409, 'IDEMPOTENCY_KEY_IN_FLIGHT']);
  }
  const differing = await publish(ada, 'After', key);
  expect([differing.status, differing.json.code]).toEqual([422, 'IDEMPOTENCY_KEY_REUSED']);
  expect(await app.rows('select from posts.posts where author_id = $1', [ada.id])).toHaveLength(1);
});
