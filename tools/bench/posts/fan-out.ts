import { readFileSync } from 'node:fs';
import { Pool } from 'undici';

interface Person {
  username: string;
  token: string;
}

interface State {
  celebrity: Person;
  viewers: Person[];
  posts: number;
}

const readEveryMs = 5;
const quietSeconds = 10;
/** How often each follower looks at their feed, all the time: what is compared is a post on its way, not who looks for it. */
const lookEveryMs = 400;

/** `fan-out.js <url>`: posts as the one whom all follow, while the followers read their feeds, and waits until all have seen it. */
async function main(): Promise<void> {
  const { celebrity, viewers, posts } = JSON.parse(
    readFileSync(process.env['BENCH_STATE'] ?? '', 'utf8'),
  ) as State;
  const pool = new Pool(process.argv[2] ?? '', { connections: 64 });
  const ask = async (
    path: string,
    { token }: Person,
    body?: object,
  ): Promise<{ status: number; text: string }> => {
    const response = await pool.request({
      path,
      method: body ? 'POST' : 'GET',
      headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    });
    return { status: response.statusCode, text: await response.body.text() };
  };
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
    while (sought.seers < viewers.length) {
      if (performance.now() - sought.since > 60_000)
        throw new Error('The post did not arrive within a minute');
      await pause(readEveryMs);
    }
  };
  const known = await ask('/api/v1/feed?limit=1', viewers[0] as Person);
  const { items } = JSON.parse(known.text) as { items: { id: string }[] };
  const read = () => ask(`/api/v1/posts/${items[0]?.id}`, viewers[0] as Person);
  const quiet = await readsWhile(read, () => pause(quietSeconds * 1000));
  const during = await readsWhile(read, async () => {
    for (let n = 0; n < posts; n += 1) {
      await publish(n);
      await pause((quietSeconds * 1000) / posts);
    }
  });
  sought.isOver = true;
  await Promise.all(looking);
  process.stdout.write(JSON.stringify({ visible: percentiles(visible), quiet, during }));
  await pool.close();
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

/** How long reads take, a few hundred a second, while something else is done. */
async function readsWhile(read: () => Promise<unknown>, work: () => Promise<void>) {
  const took: number[] = [];
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
  return percentiles(took);
}

function percentiles(values: number[]) {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
  return { p50: at(0.5), p95: at(0.95) };
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

void main();
