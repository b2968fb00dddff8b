import sharp from 'sharp';
import { cleanImage } from '../src/media/clean-image';
import { put, type Upload } from './pictures';
import { PostsApp, type Caller } from './posts-app';

const [width, height] = [8_160, 6_120];
// Much work for a machine that others use too.
jest.setTimeout(180_000);

const mib = 1024 * 1024;
/** A GIF of as many pixels, in 500 frames, takes as long as WebP, and far longer to draw. */
const types = ['image/jpeg', 'image/png', 'image/webp'] as const;

let app: PostsApp;

beforeAll(async () => {
  app = await PostsApp.start();
});
afterAll(() => app.stop());

/** As many pixels as are taken, of which no two blocks are the same. */
async function largest(type: (typeof types)[number]): Promise<Buffer> {
  const noise = { type: 'gaussian', mean: 128, sigma: 30 } as const;
  const create = {
    width: width / 16,
    height: height / 15,
    channels: 3,
    background: '#808080',
    noise,
  } as const;
  const small = await sharp({ create }).png().toBuffer();
  const kernel = type === 'image/jpeg' ? 'cubic' : 'nearest';
  const big = sharp(small).resize(width, height, { kernel, fit: 'fill' });
  if (type === 'image/jpeg') return big.jpeg({ quality: 80 }).toBuffer();
  return type === 'image/png'
    ? big.png({ compressionLevel: 3 }).toBuffer()
    : big.webp({ effort: 0 }).toBuffer();
}

/** What the process used for it: time of its processors, all of its threads, and memory above what it had. */
async function costOf<T>(work: () => Promise<T>): Promise<{ value: T; cpuMs: number; mostMib: number }> {
  const [before, cpu] = [process.memoryUsage.rss(), process.cpuUsage()];
  let most = before;
  const watch = setInterval(() => (most = Math.max(most, process.memoryUsage.rss())), 10);
  try {
    const value = await work();
    const { user, system } = process.cpuUsage(cpu);
    return { value, cpuMs: Math.round((user + system) / 1_000), mostMib: Math.round((most - before) / mib) };
  } finally {
    clearInterval(watch);
  }
}

it.each(types)('the largest %s that is taken is made anew in bounded memory', async (type) => {
  const bytes = await largest(type);
  expect(bytes.length).toBeLessThan(10 * mib);
  const { value, cpuMs, mostMib } = await costOf(() => cleanImage(bytes, type));
  process.stdout.write(
    `${type}, ${width} × ${height}, ${(bytes.length / mib).toFixed(1)} MiB: ${cpuMs} ms of a processor, ${mostMib} MiB of memory\n`,
  );
  expect([value.width, value.height]).toEqual([4_096, 3_072]);
  // Decoded as a whole it has 143 MiB.
  expect(mostMib).toBeLessThan(512);
});

const atOnce = 4;

interface Read {
  status: number;
  ms: number;
}

/** Reads one after the other until it is told to stop. */
function keepReading(caller: Caller, path: string): { stop: () => Promise<Read[]> } {
  let goesOn = true;
  const reading = (async () => {
    const reads: Read[] = [];
    while (goesOn) {
      const begun = performance.now();
      const { status } = await caller.get(path);
      reads.push({ status, ms: performance.now() - begun });
    }
    return reads;
  })();
  return {
    stop: () => {
      goesOn = false;
      return reading;
    },
  };
}

it('some of them at once are made anew two at a time, and what others ask for is answered meanwhile', async () => {
  const [ada, eve] = [await app.member('ada'), await app.member('eve')];
  const { id } = await ada.post('Look');
  const bytes = await largest('image/png');
  const ids: string[] = [];
  for (let i = 0; i < atOnce; i += 1) {
    const asked = await ada.write('POST', '/api/v1/posts/media', { type: 'image/png', bytes: bytes.length });
    const { upload } = asked.json as Upload;
    expect((await put(ada.at(upload.url), upload, bytes)).status).toBe(200);
    ids.push(asked.json.id);
  }
  let mostInWork = 0;
  const watch = setInterval(() => (mostInWork = Math.max(mostInWork, sharp.counters().process)), 1);
  const reader = keepReading(eve, `/api/v1/posts/${id}`);
  const cost = await costOf(() =>
    Promise.all(ids.map((each) => ada.write('POST', `/api/v1/posts/media/${each}/complete`))),
  );
  const reads = await reader.stop();
  clearInterval(watch);
  expect(cost.value.map(({ status }) => status)).toEqual(ids.map(() => 200));
  expect(new Set(reads.map(({ status }) => status))).toEqual(new Set([200]));
  expect(mostInWork).toBeGreaterThan(0);
  expect(mostInWork).toBeLessThanOrEqual(2);
  const times = reads.map(({ ms }) => ms).sort((one, other) => one - other);
  const at = (share: number) => (times[Math.floor(times.length * share)] ?? 0).toFixed(1);
  process.stdout.write(
    `${atOnce} of the largest at once: ${cost.cpuMs} ms of a processor, ${cost.mostMib} MiB of memory; ` +
      `${reads.length} reads meanwhile, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms\n`,
  );
  // One after the other, none of them behind a picture.
  expect(reads.length).toBeGreaterThan(atOnce);
});
