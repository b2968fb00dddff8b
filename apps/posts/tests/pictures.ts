import type { MediaType, PostMedia } from '@rostrum/contracts';
import sharp, { type Sharp } from 'sharp';
import type { Answer, Caller } from './posts-app';

/** What a camera, or whoever used it, has written into a file, and nobody else is to read. */
export const secret = 'SECRET-51.5007N-0.1246W';

const canvas = (width: number, height: number): Sharp =>
  sharp({ create: { width, height, channels: 3, background: '#3366cc' } });

interface PictureOptions {
  width?: number;
  height?: number;
}

/** A picture with the secret in its EXIF and its XMP, as far as the format has them. */
export async function pictureOf(
  type: MediaType,
  { width = 60, height = 40 }: PictureOptions = {},
): Promise<Buffer> {
  if (type === 'image/gif') return withComment(await canvas(width, height).gif().toBuffer());
  const told = canvas(width, height)
    .withExif({ IFD0: { Copyright: secret, ImageDescription: secret }, IFD3: { GPSMapDatum: secret } })
    .withXmp(`<?xpacket begin=""?><x:xmpmeta xmlns:x="adobe:ns:meta/">${secret}</x:xmpmeta>`);
  return told.toFormat(type.slice('image/'.length) as 'jpeg' | 'png' | 'webp').toBuffer();
}

/** A comment extension before the end of a GIF. */
function withComment(gif: Buffer): Buffer {
  const text = Buffer.from(secret);
  const comment = Buffer.concat([Buffer.of(0x21, 0xfe, text.length), text, Buffer.of(0)]);
  return Buffer.concat([gif.subarray(0, -1), comment, gif.subarray(-1)]);
}

export interface Upload {
  id: string;
  upload: { url: string; headers: Record<string, string> };
}

/** The bytes as they go to the store, past everything else. */
export function put(
  url: string,
  { headers }: Pick<Upload['upload'], 'headers'>,
  bytes: Uint8Array<ArrayBuffer> | Buffer,
): Promise<Response> {
  // Its own length is what fetch sends; asking for another one is an error of fetch's.
  const { 'Content-Length': _, ...others } = headers;
  return fetch(url, { method: 'PUT', headers: others, body: new Uint8Array(bytes) });
}

/** Asks for an upload, uploads, and says so; resolves to what is answered to that. */
export async function send(
  caller: Caller,
  bytes: Buffer,
  { type = 'image/jpeg', alt }: { type?: MediaType; alt?: string } = {},
): Promise<Answer & { id: string }> {
  const body = { type, bytes: bytes.length, ...(alt !== undefined && { alt }) };
  const asked = await caller.write('POST', '/api/v1/posts/media', body);
  if (asked.status !== 201) throw new Error(`The upload was answered ${asked.status} ${asked.text}`);
  const { id, upload } = asked.json as Upload;
  const stored = await put(caller.at(upload.url), upload, bytes);
  if (stored.status !== 200) throw new Error(`The store answered ${stored.status}`);
  return { id, ...(await caller.write('POST', `/api/v1/posts/media/${id}/complete`)) };
}

/** A picture that is ready to be used. */
export async function upload(caller: Caller, type: MediaType = 'image/png'): Promise<PostMedia> {
  const { status, text, json } = await send(caller, await pictureOf(type), { type });
  if (status !== 200) throw new Error(`The picture was answered ${status} ${text}`);
  return json as PostMedia;
}

/** What a viewer gets who follows the URL of a picture; the status of the first answer that is none. */
export async function look(
  viewer: Caller,
  id: string,
): Promise<{ status: number; headers: Headers; bytes: Buffer }> {
  const { status, headers } = await viewer.send('GET', `/api/v1/posts/media/${id}`, { redirect: 'manual' });
  if (status !== 307) return { status, headers, bytes: Buffer.alloc(0) };
  const found = await fetch(viewer.at(headers.get('location') ?? ''));
  return { status: found.status, headers: found.headers, bytes: Buffer.from(await found.arrayBuffer()) };
}
