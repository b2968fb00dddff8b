import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { PostsApp, type Caller } from './posts-app';

/** Counts, rows and events are one: whatever happens at once, and whatever breaks off. */

let app: PostsApp;
let author: Caller;

beforeAll(async () => {
  // Connections that break open the circuit: half a minute of it would show nothing more.
  app = await PostsApp.start({ through: () => Promise.resolve({ BREAKER_HALF_OPEN_AFTER_MS: '200' }) });
  author = await app.member('author');
});
afterAll(() => app.stop());

const change = (who: Caller, { id, isOn, what }: { id: string; isOn: boolean; what: string }) =>
  who.write(isOn ? 'PUT' : 'DELETE', `/api/v1/posts/${id}/${what}`);

const likesRead = async (who: Caller, id: string): Promise<number> =>
  (await who.get(`/api/v1/posts/${id}`)).json.counts.likes;

const everybody = (count: number) =>
  Promise.all(Array.from({ length: count }, (_, index) => app.person(`p${index}`)));

interface Truth {
  counted: number;
  rows: number;
  told: number;
}

const words = { like: 'liked', repost: 'reposted' };

/** What the post says, what the table has, and what follows from the events. */
async function truthOf(id: string, what: 'like' | 'repost'): Promise<Truth> {
  const [truth] = await app.rows<Truth>(
    `select (select ${what}s from posts.posts where id = $1::uuid) as counted,
            (select count(*)::int from posts.${what}s where post_id = $1::uuid) as rows,
            (select coalesce(sum(case type when $2 then 1 else -1 end), 0)::int
               from posts.outbox where type in ($2, $3) and payload->>'postId' = $1::uuid::text) as told`,
    [id, `post.${words[what]}`, `post.un${words[what]}`],
  );
  return truth as Truth;
}

it('counts two hundred people who like one post at once, and each once', async () => {
  const people = await everybody(200);
  const { id } = await author.post('Everybody likes this');
  const answers = await Promise.all(
    people.flatMap((who) => [1, 2].map(() => change(who, { id, isOn: true, what: 'like' }))),
  );
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([204]));
  expect(await likesRead(author, id)).toBe(200);
  expect(await truthOf(id, 'like')).toEqual({ counted: 200, rows: 200, told: 200 });
  const commits = await app.metric('db_query_duration_seconds_count{operation="add_likes"}');
  expect(commits).toBeLessThan(400);
  process.stdout.write(`400 likes of one post were ${commits} statements\n`);

  await Promise.all(
    people.slice(0, 150).flatMap((who) => [1, 2].map(() => change(who, { id, isOn: false, what: 'like' }))),
  );
  expect(await likesRead(author, id)).toBe(50);
  expect(await truthOf(id, 'like')).toEqual({ counted: 50, rows: 50, told: 50 });
});

it('nobody reads fewer likes than have been acknowledged', async () => {
  const people = await everybody(40);
  const { id } = await author.post('Watched');
  let acknowledged = 0;
  let over = false;
  const watch = async (who: Caller) => {
    let reads = 0;
    for (; !over; reads += 1) {
      const atLeast = acknowledged;
      const likes = await likesRead(who, id);
      expect(likes).toBeGreaterThanOrEqual(atLeast);
    }
    return reads;
  };
  const watching = Promise.all(people.slice(0, 3).map(watch));
  const liking = Promise.all(
    people.map(async (who) => {
      await change(who, { id, isOn: true, what: 'like' });
      acknowledged += 1;
    }),
  );
  await liking.finally(() => (over = true));
  for (const reads of await watching) expect(reads).toBeGreaterThan(0);
  expect(await likesRead(author, id)).toBe(40);
});

it('ends up with what each person did last, in whatever order requests come', async () => {
  const people = await everybody(4);
  const step = fc.record({
    who: fc.nat({ max: 3 }),
    post: fc.nat({ max: 1 }),
    isOn: fc.boolean(),
    what: fc.constantFrom('like' as const, 'repost' as const),
    keyed: fc.boolean(),
  });
  const seed = Date.now();
  process.stdout.write(`fast-check seed ${seed}\n`);
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 60 }), async (steps) => {
      const posts = await Promise.all([1, 2].map(() => author.post('Toggled')));
      // Each person does one thing after the other, and all of them at once.
      await Promise.all(
        people.map(async (person, index) => {
          for (const { who, post, isOn, what, keyed } of steps) {
            if (who !== index) continue;
            const path = `/api/v1/posts/${posts[post].id}/${what}`;
            const headers: Record<string, string> = keyed ? { 'idempotency-key': randomUUID() } : {};
            const { status } = await person.write(isOn ? 'PUT' : 'DELETE', path, undefined, headers);
            expect(status).toBe(204);
          }
        }),
      );
      for (const [at, { id }] of posts.entries()) {
        for (const what of ['like', 'repost'] as const) {
          const last = new Map<number, boolean>();
          for (const each of steps) if (each.post === at && each.what === what) last.set(each.who, each.isOn);
          const expected = [...last.values()].filter(Boolean).length;
          expect(await truthOf(id, what)).toEqual({ counted: expected, rows: expected, told: expected });
          const { json } = await author.get(`/api/v1/posts/${id}`);
          expect(json.counts[`${what}s`]).toBe(expected);
        }
      }
    }),
    { seed, numRuns: 8, endOnFailure: true },
  );
});

it('has counts, rows and events as one when connections break in the midst of it', async () => {
  const people = await everybody(60);
  const { id } = await author.post('In the storm');
  let over = false;
  const mostEnded = 30;
  const storm = async () => {
    let ended = 0;
    while (!over && ended < mostEnded) {
      const killed = await app.rows(
        `select pg_terminate_backend(pid) from pg_stat_activity
          where datname = current_database() and state = 'active' and query ~ 'into likes|from likes'
            and pid <> pg_backend_pid()`,
      );
      ended += killed.length;
    }
    return ended;
  };
  const storming = storm();
  let broken = 0;
  await Promise.all(
    people.map(async (who, index) => {
      // An odd number of times, so that all like it in the end.
      for (const isOn of [true, false, true].slice(index % 2 === 0 ? 0 : 2)) {
        for (let status = 0; status !== 204;) {
          ({ status } = await change(who, { id, isOn, what: 'like' }));
          if (status !== 204) broken += 1;
        }
      }
    }),
  ).finally(() => (over = true));
  process.stdout.write(`${await storming} connections were ended, ${broken} requests broke off\n`);
  expect(await truthOf(id, 'like')).toEqual({ counted: 60, rows: 60, told: 60 });
  expect(await likesRead(author, id)).toBe(60);
});
