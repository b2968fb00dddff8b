import type { MediaType } from '@rostrum/contracts';
import type { Metadata, Sharp } from 'sharp';
import { mediaErrors } from './media.errors';

/** A picture that was made anew, and has nothing in it but what is seen. */
export interface CleanImage {
  bytes: Buffer;
  /** As it is seen: turned the right way up, one frame of it. */
  width: number;
  height: number;
}

/** All frames together; four bytes each while it is worked on. */
const mostPixels = 50_000_000;
const mostFrames = 500;
const longestEdge = 4_096;
const mostSeconds = 10;

/** How each begins. */
const signatures: readonly { type: MediaType; matches: (bytes: Buffer) => boolean }[] = [
  { type: 'image/jpeg', matches: (bytes) => bytes.subarray(0, 3).equals(Buffer.of(0xff, 0xd8, 0xff)) },
  { type: 'image/png', matches: (bytes) => bytes.toString('latin1', 0, 8) === '\x89PNG\r\n\x1a\n' },
  { type: 'image/gif', matches: (bytes) => /^GIF8[79]a$/.test(bytes.toString('latin1', 0, 6)) },
  {
    type: 'image/webp',
    matches: (bytes) => /^RIFF....WEBP$/s.test(bytes.toString('latin1', 0, 12)),
  },
];

const typeOf = (bytes: Buffer): MediaType | undefined =>
  signatures.find(({ matches }) => matches(bytes))?.type;

/**
 * Decodes a picture and encodes it again in the same format. Whatever else was in the file is gone by that: EXIF with
 * its places, XMP, comments, profiles, previews, what was hung on behind the end, a second format in the same bytes.
 * Throws a 4xx problem for what is not wholly a picture of that type.
 */
export async function cleanImage(bytes: Buffer, type: MediaType): Promise<CleanImage> {
  const found = typeOf(bytes);
  if (found !== type) throw mediaErrors.wrongType(found ?? 'of none that is taken');
  const sharp = await loadSharp();
  const animated = type === 'image/gif' || type === 'image/webp';
  const options = { animated, failOn: 'error' as const };
  const facts = await readable(sharp(bytes, { ...options, limitInputPixels: false }).metadata());
  assertBounded(facts);
  const image = sharp(bytes, { ...options, limitInputPixels: mostPixels }).timeout({ seconds: mostSeconds });
  // An animation cannot be turned; no camera makes one.
  if ((facts.pages ?? 1) === 1) image.autoOrient();
  image.resize({ width: longestEdge, height: longestEdge, fit: 'inside', withoutEnlargement: true });
  const { data, info } = await readable(encode(image, type, facts).toBuffer({ resolveWithObject: true }));
  return { bytes: data, width: info.width, height: info.pageHeight ?? info.height };
}

function assertBounded({ width, height, pages = 1 }: Metadata): void {
  if (width * height > mostPixels)
    throw mediaErrors.tooLarge(`The picture has more than ${mostPixels} pixels, its frames together`);
  if (pages > mostFrames) throw mediaErrors.tooLarge(`The picture has more than ${mostFrames} frames`);
}

function encode(image: Sharp, type: MediaType, { isPalette = false }: Metadata): Sharp {
  switch (type) {
    case 'image/jpeg':
      return image.jpeg({ quality: 88 });
    case 'image/png':
      return image.png({ palette: isPalette });
    case 'image/webp':
      return image.webp({ quality: 88, effort: 3 });
    case 'image/gif':
      return image.gif({ effort: 3 });
  }
}

/** Whatever the library says against a picture is said of the picture. */
async function readable<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const message = error instanceof Error ? error.message : '';
    if (/timeout/i.test(message))
      throw mediaErrors.tooLarge('The picture takes too long to be looked through');
    throw mediaErrors.notReadable(error);
  }
}

let loading: ReturnType<typeof openSharp> | undefined;

/** Only who gets a picture needs the library, which is large. */
function loadSharp(): ReturnType<typeof openSharp> {
  return (loading ??= openSharp());
}

/** The library reads dozens of formats: none but ours is ever tried, so that what is wrong in the others cannot hurt. */
async function openSharp() {
  const { default: sharp } = await import('sharp');
  sharp.block({ operation: ['VipsForeignLoad'] });
  const formats = ['Jpeg', 'Png', 'Webp', 'Nsgif'];
  sharp.unblock({ operation: formats.map((format) => `VipsForeignLoad${format}Buffer`) });
  sharp.cache(false);
  // One thread for each picture: some are worked on at once, and requests need the others.
  sharp.concurrency(1);
  return sharp;
}
