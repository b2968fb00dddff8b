/** npm run bench:posts — what reading, listing and writing posts cost in a million of them, beside a bare Express route. */
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { Redis } from 'ioredis';
import { compare } from '../compare.mjs';
import { onCore, startServer } from '../server-process.mjs';
import { writeCreates, writeReads, writeUnreadReads } from './requests.mjs';
import { onStage, otherCore, outdir, serviceCommand, workerCommand } from './stage.mjs';

const { values } = parseArgs({
  options: {
    help: { type: 'boolean' },
    size: { type: 'string', default: 'large' },
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '5' },
    only: { type: 'string' },
  },
});
const sizes = {
  large: { people: 100_000, posts: 1_000_000 },
  wide: { people: 100_000, posts: 20_000 },
  small: { people: 2_000, posts: 20_000 },
};
const parts = ['reads', 'feed', 'create', 'fan-out'];
if (values.help) {
  console.log(`npm run bench:posts [-- --size large|wide|small --rounds 3 --seconds 5 --only ${parts.join('|')}]

The built posts service with everything on, alone on one core; its callers (wrk), PostgreSQL and Redis share the other.
Makes a data set at its first run: 1,000,000 posts of 100,000 people (small: 20,000 of 2,000; wide,
for fan-out: 20,000 of 100,000), and keeps it in .data/bench.`);
  process.exit(0);
}
const shape = sizes[values.size];
if (!shape || (values.only && !parts.includes(values.only))) {
  console.error('Unknown --size or --only; see npm run bench:posts -- --help');
  process.exit(2);
}

const rounds = Number(values.rounds);
const seconds = Number(values.seconds);
const callers = 200;
const cachedPosts = 5_000;
const fanOutRounds = 6;
const wants = (part) => values.only === undefined || values.only === part;
const verdicts = [];
const aPost = '/api/v1/posts/0190b5a0-0000-7000-8000-000000000000';
const floor = {
  name: 'bare Express 5, res.json of 600 bytes',
  floor: true,
  args: [path.join(outdir, 'bare-express.js')],
  path: aPost,
};

const postId = (n, firstAt) => {
  const time = (firstAt + n * 1000).toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${n.toString(16).padStart(12, '0')}`;
};
const anyPost = (firstAt) => postId(1 + Math.floor(Math.random() * shape.posts), firstAt);
const tokenOf = ({ token }) => ({ Authorization: `Bearer ${token}` });

await onStage({ size: values.size, people: callers, of: shape.people }, async ({ env, data, people }) => {
  const [celebrity, ...viewers] = people;
  const service = (name, script) => ({ name, args: serviceCommand, env, path: aPost, script });
  if (wants('reads')) await measureReads({ env, data, service, viewers });
  if (wants('feed')) await measureFeed({ env, service, viewers });
  if (wants('create')) await measureCreate({ service, viewers });
  if (wants('fan-out')) await measureFanOut({ env, data, celebrity, viewers });
});
console.log(`\n${verdicts.join('\n')}`);

async function measureReads({ env, data, service, viewers }) {
  const some = Array.from({ length: cachedPosts }, () => `/api/v1/posts/${anyPost(data.firstAt)}`);
  const unread = { people: viewers, posts: shape.posts, firstAt: data.firstAt };
  const missed = [];
  const viewer = (n) => viewers[n % viewers.length];
  const tags = await askEach(env, some, viewer);
  const reads = (paths) => paths.map((target, n) => ({ path: target, headers: tokenOf(viewer(n)) }));
  const unchanged = some.map((target, n) => ({
    path: target,
    headers: { ...tokenOf(viewer(n)), 'If-None-Match': tags[n].etag },
  }));
  const cached = writeReads(outdir, 'cached', reads(some));
  await compareWith(
    `GET /posts/:id, ${callers} people, ${cachedPosts.toLocaleString('en')} posts from the cache, else any of ${shape.posts.toLocaleString('en')}`,
    [
      [service('cached', cached), 1.3],
      [service('cached, 304', writeReads(outdir, 'unchanged', unchanged)), 1.5],
      [
        {
          ...service('not cached', writeUnreadReads(outdir, 'uncached', unread)),
          prepare: () => emptyRedis(env.REDIS_URL),
          lookAt: async (server) => missed.push(await shareOfMisses(server)),
        },
        0.7,
      ],
    ],
    // Asked for the same, with the same headers: a token takes a microsecond to be read, whatever is done with it.
    { ...floor, script: cached },
  );
  const share = Math.min(...missed);
  // A set of few posts has been read through before the time is over.
  const worth = share < 0.95 ? ': this set is too small for them, their figures mean nothing' : '';
  verdicts.push(`of the reads past the cache, ${(100 * share).toFixed(1)} % missed it${worth}`);
}

async function emptyRedis(url) {
  const redis = new Redis(url);
  await redis.flushall();
  await redis.quit();
}

/** Of all reads of posts since the server's start. */
async function shareOfMisses({ opsPort }) {
  const metrics = await (await fetch(`http://127.0.0.1:${opsPort}/metrics`)).text();
  const lines = metrics.matchAll(/^cache_requests_total\{.*cache="post",result="(\w+)".*\} (\d+)$/gm);
  const counts = Object.fromEntries([...lines].map(([, result, count]) => [result, Number(count)]));
  return counts.miss / Object.values(counts).reduce((sum, count) => sum + count, 0);
}

async function measureFeed({ env, service, viewers }) {
  const first = viewers.map(() => '/api/v1/feed?limit=20');
  const pages = await askEach(env, first, (n) => viewers[n]);
  const sizes = pages.map(({ bytes }) => bytes).sort((a, b) => a - b);
  const later = pages.flatMap(({ next }, n) =>
    next ? [{ path: `/api/v1/feed?limit=20&cursor=${next}`, headers: tokenOf(viewers[n]) }] : [],
  );
  await compareWith(`GET /feed, 20 posts, ${(sizes[sizes.length >> 1] / 1024).toFixed(1)} kB`, [
    [
      service(
        'the first page',
        writeReads(
          outdir,
          'feed',
          first.map((target, n) => ({ path: target, headers: tokenOf(viewers[n]) })),
        ),
      ),
      0.9,
    ],
    [service('the second page, from the timeline', writeReads(outdir, 'feed-later', later)), 0.4],
  ]);
}

async function measureCreate({ service, viewers }) {
  const body = JSON.stringify({ text: 'people write of what they have seen today '.repeat(4).trim() });
  const script = writeCreates(outdir, 'create', { path: '/api/v1/posts', people: viewers, body });
  // What answers a fifth of the floor's requests is compiled as far only after several times as long.
  const create = { ...service('create', script), warmUpSeconds: 15 };
  await compareWith('POST /posts, each with a key of its own', [[create, 0.45]]);
}

async function compareWith(title, rowsAndGoals, beside = floor) {
  console.log('');
  const variants = [beside, ...rowsAndGoals.map(([variant]) => variant)];
  const rows = await compare({ title, variants, rounds, seconds });
  rowsAndGoals.forEach(([{ name }, goal], index) =>
    verdicts.push(`goal: ${name} ≥ ${goal} of bare Express: ${rows[index + 1].ratio.toFixed(2)}`),
  );
}

/** Asks for each path once, so that it is in the cache, and notes what came. */
async function askEach(env, paths, viewerOf) {
  const server = await startServer({ args: serviceCommand, env }, 0);
  try {
    const answers = [];
    for (let start = 0; start < paths.length; start += 50) {
      const some = paths.slice(start, start + 50).map(async (target, n) => {
        const response = await fetch(`http://127.0.0.1:${server.port}${target}`, {
          headers: tokenOf(viewerOf(start + n)),
        });
        const text = await response.text();
        if (!response.ok) throw new Error(`${target} was answered ${response.status} ${text}`);
        return {
          etag: response.headers.get('etag'),
          bytes: text.length,
          next: target.includes('/feed') ? JSON.parse(text).nextCursor : undefined,
        };
      });
      answers.push(...(await Promise.all(some)));
    }
    return answers;
  } finally {
    await server.stop();
  }
}

/** How soon everybody sees a post of the one whom everybody follows, and what the others feel of it. */
async function measureFanOut({ env, data, celebrity, viewers }) {
  const server = await startServer({ args: serviceCommand, env }, 0);
  const worker = await startServer({ args: workerCommand, env }, 0);
  try {
    const stateFile = path.join(outdir, 'state.json');
    writeFileSync(
      stateFile,
      JSON.stringify({
        celebrity,
        viewers,
        rounds: fanOutRounds,
        adminUrl: data.adminUrl,
        redisUrl: env.REDIS_URL,
      }),
    );
    const [command, args] = onCore(otherCore, process.execPath, [
      path.join(outdir, 'fan-out.js'),
      `http://127.0.0.1:${server.port}`,
    ]);
    const { stdout } = await promisify(execFile)(command, args, {
      env: { ...process.env, BENCH_STATE: stateFile },
    });
    const { visible, quiet, during, took } = JSON.parse(stdout);
    const ms = ({ p50, p95 }) => `p50 ${p50.toFixed(2)} ms, p95 ${p95.toFixed(2)} ms`;
    console.log(`\nA post of somebody with ${(shape.people - 1).toLocaleString('en')} followers
visible to ${viewers.length} of them: ${ms(visible)}
all of them told after: p50 ${took.p50.toFixed(0)} ms
other reads while nothing is on its way (${quiet.count}): ${ms(quiet)}
meanwhile (${during.count}): ${ms(during)}`);
    verdicts.push(`goal: visible to followers, p95 ≤ 5,000 ms: ${visible.p95.toFixed(0)}`);
    verdicts.push(
      `goal: p95 of other reads meanwhile ≤ 1.10 of otherwise: ${(during.p95 / quiet.p95).toFixed(2)}`,
    );
  } finally {
    await worker.stop();
    await server.stop();
  }
}
