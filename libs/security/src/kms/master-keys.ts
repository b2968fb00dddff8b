import { keyBytes } from './aes-gcm';

/** One version of the local master key. */
export interface MasterKey {
  id: string;
  key: Buffer;
}

/** All versions, by id; the last one in the file wraps, all of them unwrap. */
export interface MasterKeys {
  current: MasterKey;
  byId: ReadonlyMap<string, Buffer>;
}

const line = /^([A-Za-z0-9][A-Za-z0-9_.-]{0,63}):([A-Za-z0-9+/_-]{43}=?)$/;

/**
 * Reads a file of master keys: one `id:key` per line, the key being 32 bytes in base64, oldest first. What is wrong is
 * told by line number, never by what stands there.
 */
export function parseMasterKeys(text: string): MasterKeys {
  const keys = text
    .split('\n')
    .map((content, index) => ({ content: content.trim(), number: index + 1 }))
    .filter(({ content }) => content !== '' && !content.startsWith('#'))
    .map(({ content, number }) => parseLine(content, number));
  const current = keys.at(-1);
  if (!current) throw new Error('must hold at least one line id:key');
  const byId = new Map(keys.map(({ id, key }) => [id, key]));
  if (byId.size < keys.length) throw new Error('must not use one id for two keys');
  return { current, byId };
}

function parseLine(content: string, number: number): MasterKey {
  const [, id = '', base64 = ''] = line.exec(content) ?? [];
  const key = Buffer.from(base64, 'base64');
  if (id === '' || key.length !== keyBytes) {
    throw new Error(`must have lines id:key with 32 bytes in base64, but line ${number} is something else`);
  }
  return { id, key };
}
