import type { MediaType } from '@rostrum/contracts';
import { isAppError } from '@rostrum/errors';
import fc from 'fast-check';
import sharp from 'sharp';
import { pictureOf, secret } from '../../tests/pictures';
import { cleanImage } from './clean-image';

const types: MediaType[] = ['image/jpeg', 'image/png', 'image/webp', 'image/gif'];

const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'taken',
    (error: unknown) => (isAppError(error) ? error.code : error),
  );

describe.each(types)('%s', (type) => {
  it('keeps its picture and its format, and nothing that was written into the file', async () => {
    const dirty = Buffer.concat([await pictureOf(type), Buffer.from(`<script>${secret}</script>`)]);
    expect(dirty.includes(secret)).toBe(true);
    const { bytes, width, height } = await cleanImage(dirty, type);
    expect([width, height]).toEqual([60, 40]);
    expect(bytes.includes('SECRET') || bytes.includes('script')).toBe(false);
    const facts = await sharp(bytes).metadata();
    expect(`image/${facts.format}`).toBe(type);
    for (const part of ['exif', 'xmp', 'iptc', 'icc', 'comments'] as const)
      expect(facts[part]).toBeUndefined();
    const { dominant } = await sharp(bytes).stats();
    expect(dominant.b).toBeGreaterThan(dominant.r + 50);
  });

  it('is refused where it is cut off, however little is missing', async () => {
    const whole = await pictureOf(type, { width: 300, height: 200 });
    const { bytes } = await cleanImage(whole, type);
    for (const share of [0.1, 0.5, 0.9]) {
      const cut = bytes.subarray(0, Math.floor(bytes.length * share));
      expect([share, await codeOf(cleanImage(cut, type))]).toEqual([share, 'MEDIA_NOT_READABLE']);
    }
  });

  it('is refused under any other name', async () => {
    const bytes = await pictureOf(type);
    for (const other of types.filter((each) => each !== type))
      expect(await codeOf(cleanImage(bytes, other))).toBe('MEDIA_TYPE_MISMATCH');
  });

  it('however its bytes are changed: it is taken without the secret, or refused, and nothing breaks', async () => {
    const whole = await pictureOf(type, { width: 90, height: 70 });
    const change = fc.record({ at: fc.nat(whole.length - 1), value: fc.nat(255), cut: fc.boolean() });
    const property = fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 8 }), async (changes) => {
      let bytes = Buffer.from(whole);
      for (const { at, value, cut } of changes) {
        if (cut && value < 32) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + value)]);
        else bytes[at] = value;
      }
      try {
        const clean = await cleanImage(bytes, type);
        expect(clean.bytes.includes('SECRET')).toBe(false);
        expect(clean.width * clean.height).toBeLessThanOrEqual(50_000_000);
      } catch (error) {
        // Anything that is no refusal is an error of ours.
        if (!isAppError(error)) throw error;
        expect(error.code).toMatch(/^MEDIA_(NOT_READABLE|TOO_LARGE|TYPE_MISMATCH)$/);
      }
    });
    await fc.assert(property, { numRuns: 150 });
  });
});

it('turns a photograph the right way up', async () => {
  const upright = await sharp({ create: { width: 80, height: 50, channels: 3, background: 'white' } })
    .composite([
      { input: { create: { width: 80, height: 10, channels: 3, background: 'red' } }, top: 0, left: 0 },
    ])
    .jpeg()
    .toBuffer();
  // 6: the first row of what is stored is the right side of what is seen.
  const stored = await sharp(upright).rotate(-90).withMetadata({ orientation: 6 }).jpeg().toBuffer();
  const { bytes, width, height } = await cleanImage(stored, 'image/jpeg');
  expect([width, height]).toEqual([80, 50]);
  const { data, info } = await sharp(bytes).raw().toBuffer({ resolveWithObject: true });
  const colourAt = (x: number, y: number) =>
    [...data.subarray((y * info.width + x) * info.channels)].slice(0, 3);
  expect(colourAt(40, 3)[2]).toBeLessThan(90);
  expect(colourAt(40, 40)[2]).toBeGreaterThan(200);
});

it('keeps an animation moving', async () => {
  const frames = await Promise.all(
    ['red', 'green', 'blue'].map((background) =>
      sharp({ create: { width: 30, height: 20, channels: 3, background } })
        .png()
        .toBuffer(),
    ),
  );
  for (const type of ['image/gif', 'image/webp'] as const) {
    const joined = sharp(frames, { join: { animated: true } });
    const options = { delay: [100, 200, 300], loop: 2 };
    const moving = await (type === 'image/gif' ? joined.gif(options) : joined.webp(options)).toBuffer();
    const { bytes, width, height } = await cleanImage(moving, type);
    expect([width, height]).toEqual([30, 20]);
    expect(await sharp(bytes, { animated: true }).metadata()).toMatchObject({
      pages: 3,
      delay: [100, 200, 300],
    });
  }
});

it('makes what is wider than a screen ever is smaller', async () => {
  const wide = await pictureOf('image/jpeg', { width: 5_000, height: 100 });
  expect(await cleanImage(wide, 'image/jpeg')).toMatchObject({ width: 4_096, height: 82 });
});

it('is not taken in by a small file with a huge picture', async () => {
  const bomb = await sharp({ create: { width: 9_000, height: 9_000, channels: 3, background: 'black' } })
    .png({ compressionLevel: 9 })
    .toBuffer();
  expect(bomb.length).toBeLessThan(500_000);
  expect(await codeOf(cleanImage(bomb, 'image/png'))).toBe('MEDIA_TOO_LARGE');
  const lie = Buffer.from(await pictureOf('image/png'));
  // The width that the header claims, whose checksum is wrong by that.
  lie.writeUInt32BE(0x7fffffff, 16);
  expect(await codeOf(cleanImage(lie, 'image/png'))).toMatch(/^MEDIA_(TOO_LARGE|NOT_READABLE)$/);
});

it('tries no format but these, whatever the file begins with', async () => {
  const svg = Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><image href="/etc/passwd"/></svg>`,
  );
  for (const type of types) {
    expect(await codeOf(cleanImage(svg, type))).toBe('MEDIA_TYPE_MISMATCH');
    expect(await codeOf(cleanImage(Buffer.alloc(0), type))).toBe('MEDIA_TYPE_MISMATCH');
  }
  const tiff = await sharp({ create: { width: 9, height: 9, channels: 3, background: 'red' } })
    .tiff()
    .toBuffer();
  expect(await codeOf(cleanImage(Buffer.concat([Buffer.of(0xff, 0xd8, 0xff), tiff]), 'image/jpeg'))).toBe(
    'MEDIA_NOT_READABLE',
  );
  expect(await codeOf(cleanImage(Buffer.concat([Buffer.from('GIF89a'), svg]), 'image/gif'))).toBe(
    'MEDIA_NOT_READABLE',
  );
});
