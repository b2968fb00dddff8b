import { randomBytes } from 'node:crypto';
import sharp from 'sharp';
import { signUp, startSystem, type Person, type System } from './system';

const secret = 'SECRET-51.5007N-0.1246W';
const most = 10 * 1024 * 1024;
const route = '/api/v1/posts/media';

let system: System;
let ada: Person;
let grace: Person;

beforeAll(async () => {
  system = await startSystem();
  [ada, grace] = [await signUp(system), await signUp(system)];
}, 90_000);
afterAll(() => system?.stop(), 60_000);

const get = (path: string, person: Person) =>
  system.ask(path, { headers: person.headers, redirect: 'manual' });
const write = async (method: string, path: string, body?: unknown) => {
  const { 'content-type': _, ...bare } = ada.headers;
  const response = await system.ask(path, {
    method,
    headers: body === undefined ? bare : ada.headers,
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  // Each test says what it expects of it.
  return { status: response.status, json: (text ? JSON.parse(text) : undefined) as never };
};

/** A photograph as large as one may be, with what a camera writes into it; what is missing is hung on behind its end. */
async function photograph(): Promise<Buffer> {
  const picture = await sharp({ create: { width: 800, height: 600, channels: 3, background: '#3366cc' } })
    .withExif({ IFD0: { Copyright: secret }, IFD3: { GPSMapDatum: secret } })
    .jpeg()
    .toBuffer();
  return Buffer.concat([picture, randomBytes(most - picture.length)]);
}

const upload = (url: string, headers: Record<string, string>, body: Buffer) =>
  system.ask(url, { method: 'PUT', headers, body: new Uint8Array(body) });

it('a picture goes up through the gateway, is seen in a post without what the camera wrote, and goes with the post', async () => {
  const bytes = await photograph();
  const asked = await write('POST', route, { type: 'image/jpeg', bytes: bytes.length, alt: 'Blue' });
  expect(asked.status).toBe(201);
  const { id, upload: where } = asked.json as {
    id: string;
    upload: { url: string; headers: Record<string, string> };
  };
  expect((await upload(where.url, where.headers, bytes)).status).toBe(200);
  expect((await write('POST', `${route}/${id}/complete`)).json).toMatchObject({ width: 800, height: 600 });

  const { status, json } = await write('POST', '/api/v1/posts', { text: 'Look', media: [id] });
  expect(status).toBe(201);
  const post = json as { id: string; media: { url: string }[] };
  expect(post.media).toEqual([
    { id, type: 'image/jpeg', url: `${route}/${id}`, width: 800, height: 600, alt: 'Blue' },
  ]);

  const found = await get(post.media[0]?.url ?? '', grace);
  expect(found.status).toBe(307);
  const seen = await system.ask(found.headers.get('location') ?? '');
  expect(seen.status).toBe(200);
  expect(Object.fromEntries(seen.headers)).toMatchObject({
    'content-type': 'image/jpeg',
    'x-content-type-options': 'nosniff',
    'content-security-policy': expect.stringContaining("default-src 'none'") as string,
  });
  const picture = Buffer.from(await seen.arrayBuffer());
  expect(picture.length).toBeLessThan(100_000);
  expect(picture.includes('SECRET')).toBe(false);
  const { exif, format, width } = await sharp(picture).metadata();
  expect([exif, format, width]).toEqual([undefined, 'jpeg', 800]);

  expect((await write('DELETE', `/api/v1/posts/${post.id}`)).status).toBe(204);
  for (const person of [ada, grace]) expect((await get(`${route}/${id}`, person)).status).toBe(410);
});

it('as large a body goes nowhere else, and a larger one not even there', async () => {
  const asked = await write('POST', route, { type: 'image/jpeg', bytes: most });
  const { upload: where } = asked.json as { upload: { url: string; headers: Record<string, string> } };
  const tooLarge = Buffer.alloc(most + 1);
  const refused = await upload(where.url, { 'Content-Type': 'image/jpeg' }, tooLarge);
  expect(refused.status).toBe(413);
  const text = 'x'.repeat(most - 100);
  for (const path of ['/api/v1/posts', route, '/api/v1/posts/drafts'])
    expect([path, (await write('POST', path, { text })).status]).toEqual([path, 413]);
});
