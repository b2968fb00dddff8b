/** A response body, ready to be sent, with its ETag. */
export interface CachedDocument {
  etag: string;
  body: Buffer;
}

const longestEtag = 255;

/** One byte for the length of the ETag, the ETag, then the body as it is sent. */
export function packDocument({ etag, body }: { etag: string; body: string | Buffer }): Buffer {
  const length = Buffer.byteLength(etag, 'latin1');
  if (length > longestEtag) throw new RangeError(`An ETag of ${length} characters is too long to be cached`);
  const packed = Buffer.allocUnsafe(1 + length + Buffer.byteLength(body));
  packed[0] = length;
  packed.write(etag, 1, 'latin1');
  if (typeof body === 'string') packed.write(body, 1 + length);
  else body.copy(packed, 1 + length);
  return packed;
}

export function unpackDocument(packed: Buffer): CachedDocument {
  const end = 1 + (packed[0] ?? 0);
  return { etag: packed.toString('latin1', 1, end), body: packed.subarray(end) };
}
