import { waitFor } from '@rostrum/testing';
import { PostsApp, type Answer, type Caller } from './posts-app';

let app: PostsApp;
let reader: Caller;

const path = '/api/v1/feed/explore';
const past = '2026-01-01T00:00:00Z';

const idsOf = ({ json }: Answer): string[] => json.items.map(({ id }: { id: string }) => id);
const explored = async () => idsOf(await reader.get(`${path}?limit=100`));

/** Waits for a ranking that was begun after this moment. */
async function nextRanking(): Promise<void> {
  const made = () => app.metric('explore_rankings_total', app.workerOpsUrl);
  const before = await made();
  await waitFor(async () => (await made()) >= before + 2);
}

beforeAll(async () => {
  app = await PostsApp.start();
  reader = await app.member('reader');
});
afterAll(() => app.stop());

it('is empty before anything was ranked', async () => {
  expect((await reader.get(path)).json).toEqual({ items: [], nextCursor: null });
});

describe('with a worker that ranks', () => {
  beforeAll(async () => {
    await app.startWorker({ EXPLORE_RANK_EVERY_MS: '100' });
  });
  beforeEach(() => app.arrange('update posts.posts set hidden_at = now() where hidden_at is null'));

  const publish = async (text: string): Promise<string> => (await (await app.member('author')).post(text)).id;
  const like = async (id: string, people: number): Promise<void> => {
    for (let person = 0; person < people; person += 1) {
      const who = await app.member('liker');
      expect((await who.write('PUT', `/api/v1/posts/${id}/like`)).status).toBe(204);
    }
  };

  it('shows what more people react to first, and then what is newer', async () => {
    const [much, nothing, little, latest] = [
      await publish('Much liked'),
      await publish('Not liked'),
      await publish('Liked a little'),
      await publish('Not liked, but new'),
    ];
    await like(much, 3);
    await like(little, 1);
    await waitFor(async () => (await explored()).join() === [much, little, latest, nothing].join());
  });

  it('counts a repost for more than a like, and nothing that was taken back', async () => {
    const [liked, reposted, regretted] = [await publish('a'), await publish('b'), await publish('c')];
    await like(liked, 2);
    await reader.write('PUT', `/api/v1/posts/${reposted}/repost`);
    await like(regretted, 3);
    await waitFor(async () => (await explored()).join() === [regretted, reposted, liked].join());
    await app.arrange('update posts.posts set likes = 0 where id = $1', [regretted]);
    await waitFor(async () => (await explored()).join() === [reposted, liked, regretted].join());
  });

  it('ranks an older post behind a newer one unless it has ten times the reactions for twelve hours', async () => {
    const [old, recent] = [await publish('old'), await publish('recent')];
    await app.arrange(
      `update posts.posts set created_at = now() - interval '13 hours', likes = 9 where id = $1`,
      [old],
    );
    await waitFor(async () => (await explored()).join() === [recent, old].join());
    await app.arrange(`update posts.posts set likes = 99 where id = $1`, [old]);
    await waitFor(async () => (await explored()).join() === [old, recent].join());
  });

  it('does not rank what is not for everybody, or older than three days, and no more than three of one author', async () => {
    const shown = await publish('For everybody');
    const author = await app.member('busy');
    const many: string[] = [];
    for (let count = 0; count < 5; count += 1) many.push((await author.post('Again')).id);
    const [secret, hidden, deleted, suspended, old] = [
      await publish('private'),
      await publish('hidden'),
      await publish('deleted'),
      await publish('suspended'),
      await publish('old'),
    ];
    await author.post('For followers', { visibility: 'followers' });
    await nextRanking();
    const owner = '(select author_id from posts.posts where id = $1)';
    await app.rows(`update posts.profiles set is_private = true where user_id = ${owner}`, [secret]);
    await app.rows(`update posts.profiles set suspended_at = now() where user_id = ${owner}`, [suspended]);
    await app.rows('update posts.posts set hidden_at = now() where id = $1', [hidden]);
    await app.rows('update posts.posts set deleted_at = now() where id = $1', [deleted]);
    await app.rows(
      `with gone as (delete from posts.posts where id = $1 returning *)
       insert into posts.posts (id, author_id, text, created_at)
       select '01900000-0000-7000-8000-000000000000', author_id, text, $2 from gone`,
      [old, past],
    );
    await nextRanking();
    const [ranking] = await app.rows<{ post_ids: string }>(
      'select post_ids::text from posts.explore_rankings order by id desc limit 1',
    );
    expect(ranking?.post_ids).toBe(`{${[...many.slice(2).reverse(), shown].join()}}`);
    const scored = await app.rows<{ post_id: string }>('select post_id from posts.explore_scores order by 1');
    expect(scored.map(({ post_id: id }) => id)).toEqual([shown, ...many]);
  });

  it('goes on in the order in which it was begun, whatever is ranked meanwhile', async () => {
    const posts: string[] = [];
    for (let count = 0; count < 7; count += 1) posts.push(await publish(`Number ${count}`));
    const order = [...posts].reverse();
    await waitFor(async () => (await explored()).join() === order.join());

    const first = await reader.get(`${path}?limit=3`);
    await like(posts[0] ?? '', 2);
    await waitFor(async () => (await explored())[0] === posts[0]);
    const second = await reader.get(`${path}?limit=3&cursor=${first.json.nextCursor}`);
    const third = await reader.get(`${path}?limit=3&cursor=${second.json.nextCursor}`);
    expect([...idsOf(first), ...idsOf(second), ...idsOf(third)]).toEqual(order);
    expect(third.json.nextCursor).toBeNull();
    expect(first.headers.get('link')).toBe(`<${path}?cursor=${first.json.nextCursor}&limit=3>; rel="next"`);

    // When nobody can be reading it any more, one goes on in the newest.
    await app.rows(`update posts.explore_rankings set made_at = now() - interval '2 hours'`);
    await nextRanking();
    const late = await reader.get(`${path}?limit=3&cursor=${first.json.nextCursor}`);
    expect([late.status, idsOf(late).length]).toEqual([200, 3]);
  });

  it('shows at once that a post is gone', async () => {
    const author = await app.member('author');
    const { id } = await author.post('Not for long');
    const stays = await publish('For longer');
    await waitFor(async () => (await explored()).join() === [stays, id].join());
    await author.write('DELETE', `/api/v1/posts/${id}`);
    expect(await explored()).toEqual([stays]);
  });

  it('scores a part of the posts in each round, and all of them in time', async () => {
    const author = await app.member('author');
    const count = 22_000;
    await app.rows(
      `insert into posts.posts (id, author_id, text, created_at)
       select (lpad(to_hex((extract(epoch from now()) * 1000)::bigint - i * 1000), 12, '0')
                || '70008000' || lpad(to_hex(i), 12, '0'))::uuid, $1, 'One of many', now() - i * interval '1 second'
         from generate_series(1, ${count}) i`,
      [author.id],
    );
    const ofStatement = (what: string) =>
      app.metric(`db_query_duration_seconds_${what}{operation="score_posts"}`, app.workerOpsUrl);
    const statements = () => ofStatement('count');
    const rounds = () => app.metric('explore_rankings_total', app.workerOpsUrl);
    const [statementsBefore, roundsBefore] = [await statements(), await rounds()];
    const scores = () =>
      app.rows(
        'select from posts.explore_scores s join posts.posts p on p.id = s.post_id where author_id = $1',
        [author.id],
      );
    await waitFor(async () => (await scores()).length === count, { timeoutMs: 60_000 });
    const perRound = ((await statements()) - statementsBefore) / ((await rounds()) - roundsBefore + 1);
    expect(perRound).toBeLessThanOrEqual(4);
    const meanMs = (1_000 * (await ofStatement('sum'))) / (await statements());
    process.stdout.write(`scores of up to 5000 posts took ${meanMs.toFixed(1)} ms on average\n`);
  });
});

it.each(['nonsense', 'AAAA'])('refuses the cursor %s', async (cursor) => {
  const answer = await reader.get(`${path}?cursor=${cursor}`);
  expect([answer.status, answer.json.code]).toEqual([400, 'INVALID_CURSOR']);
});
