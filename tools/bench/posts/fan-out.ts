import { readFileSync } from 'node:fs';
import { Redis } from 'ioredis';
import pg from 'pg';
import { Pool } from 'undici';

interface Person {
  username: string;
  token: string;
}

interface State {
  celebrity: Person;
  viewers: Person[];
  rounds: number;
  adminUrl: string;
  redisUrl: string;
}

const readEveryMs = 3;
const quietMs = 3_000;
/** Posts that are not measured: the first ones run code that nothing has compiled yet, which holds up all that is asked meanwhile. */
const warmUps = 6;
/** Until the followers' feeds are as ready as they were. */
const settleMs = 1_500;
/** How often each follower looks at their feed, all the time: what is compared is a post on its way, not who looks for it. */
const lookEveryMs = 400;
const patienceMs = 60_000;

/**
 * `fan-out.js <url>`: posts as the one whom all follow, while the followers read their feeds and somebody reads a post
 * again and again. Quiet times and posts on their way take turns, so that what changes on the machine meets both.
 */
async function main(): Promise<void> {
  const { celebrity, viewers, rounds, adminUrl, redisUrl } = JSON.parse(
    readFileSync(process.env['BENCH_STATE'] ?? '', 'utf8'),
  ) as State;
  const pool = new Pool(process.argv[2] ?? '', { connections: 64 });
  const database = new pg.Client(adminUrl);
  await database.connect();
  const redis = new Redis(redisUrl);
  const ask = askWith(pool);
  const visible: number[] = [];
  const sought = new Sought();
  const look = async (viewer: Person) => (await ask('/api/v1/feed?limit=20', viewer)).text;
  const looking = viewers.map((viewer, index) =>
    lookAgain({ sought, viewer, look, firstAfter: (lookEveryMs * index) / viewers.length, visible }),
  );
  const publish = async (n: number) => {
    const answer = await ask('/api/v1/posts', celebrity, { text: `Post ${n} for all` });
    if (answer.status !== 201) throw new Error(`The post was answered ${answer.status} ${answer.text}`);
    sought.begin((JSON.parse(answer.text) as { id: string }).id);
    const isOver = async () => sought.seers === viewers.length && !(await isOnItsWay(database));
    const giveUpAt = performance.now() + patienceMs;
    while (!(await isOver())) {
      if (performance.now() > giveUpAt) throw new Error('The post did not arrive within a minute');
      await pause(50);
    }
    return performance.now() - sought.since;
  };
  const known = await ask('/api/v1/feed?limit=1', viewers[0] as Person);
  const { items } = JSON.parse(known.text) as { items: { id: string }[] };
  const read = () => ask(`/api/v1/posts/${items[0]?.id}`, viewers[0] as Person);
  const quiet: number[] = [];
  const during: number[] = [];
  const took: number[] = [];
  for (let n = -warmUps; n < rounds; n += 1) {
    await forgetThatTooManyFollow(database, redis);
    await pause(settleMs);
    if (n < 0) await publish(n);
    if (n === -1) visible.length = 0;
    if (n < 0) continue;
    await readsWhile(read, { took: quiet, work: () => pause(quietMs) });
    await readsWhile(read, { took: during, work: async () => void took.push(await publish(n)) });
  }
  sought.isOver = true;
  await Promise.all(looking);
  print({ visible, quiet, during, took });
  await Promise.all([pool.close(), database.end(), redis.quit()]);
}

type Ask = (path: string, person: Person, body?: object) => Promise<{ status: number; text: string }>;

function askWith(pool: Pool): Ask {
  return async (path, { token }, body) => {
    const response = await pool.request({
      path,
      method: body ? 'POST' : 'GET',
      headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    });
    return { status: response.statusCode, text: await response.body.text() };
  };
}

/** So that the next post finds it out, and has all of them told; no timeline knows of it either. */
async function forgetThatTooManyFollow(database: pg.Client, redis: Redis): Promise<void> {
  await database.query('delete from posts.feed_pulled_authors');
  await redis.unlink('posts:changes', ...(await redis.keys('posts:cache:timeline.*')));
}

async function isOnItsWay(database: pg.Client): Promise<boolean> {
  const { rowCount } = await database.query('select from posts.feed_fanouts limit 1');
  return rowCount !== 0;
}

interface Looking {
  sought: Sought;
  viewer: Person;
  look: (viewer: Person) => Promise<string>;
  firstAfter: number;
  /** How long each post took to be seen. */
  visible: number[];
}

async function lookAgain({ sought, viewer, look, firstAfter, visible }: Looking): Promise<void> {
  await pause(firstAfter);
  while (!sought.isOver) {
    const { id, since } = sought;
    const text = await look(viewer);
    if (id !== undefined && text.includes(id) && sought.seenBy(viewer, id))
      visible.push(performance.now() - since);
    await pause(lookEveryMs);
  }
}

/** The post that all look for. */
class Sought {
  id: string | undefined;
  since = 0;
  isOver = false;
  private readonly seenIt = new Set<Person>();

  begin(id: string): void {
    this.id = id;
    this.since = performance.now();
    this.seenIt.clear();
  }

  /** Whether this is the first time. */
  seenBy(viewer: Person, id: string): boolean {
    if (id !== this.id || this.seenIt.has(viewer)) return false;
    this.seenIt.add(viewer);
    return true;
  }

  get seers(): number {
    return this.seenIt.size;
  }
}

/** Notes how long reads take, a few hundred a second, while something else is done. */
async function readsWhile(
  read: () => Promise<unknown>,
  { took, work }: { took: number[]; work: () => Promise<unknown> },
): Promise<void> {
  let over = false;
  const reading = (async () => {
    while (!over) {
      const began = performance.now();
      await read();
      took.push(performance.now() - began);
      await pause(readEveryMs);
    }
  })();
  await work();
  over = true;
  await reading;
}

function print(results: Record<string, readonly number[]>): void {
  const all = Object.entries(results).map(([name, values]) => [name, percentiles(values)]);
  process.stdout.write(JSON.stringify(Object.fromEntries(all)));
}

function percentiles(values: readonly number[]) {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
  return { count: values.length, p50: at(0.5), p95: at(0.95) };
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

void main();
