import type { Lease } from './lease';

/**
 * What stands under a key: a head of fixed length, then the value's bytes. A hit parses nothing and copies nothing.
 *
 * | bytes | field      |                                                                            |
 * | ----- | ---------- | -------------------------------------------------------------------------- |
 * | 0     | kind       | one of `kinds`                                                             |
 * | 1–6   | tag        | of the server's life in which the value was put there                      |
 * | 7–12  | stamp      | a time of Redis's clock before the value was read from where it comes from |
 * | 13–18 | freshUntil | by Redis's clock                                                           |
 * | 19–24 | leaseUntil | until then somebody else is to be waited for, who loads a new value        |
 * | 25–32 | token      | whose lease it is, or by whose lease the value was put there               |
 *
 * A fence is a byte and the tokens of those who are changing the value.
 */
export const headLength = 33;

export const kinds = { lease: 0, value: 1, absent: 2, fence: 3 } as const;

/** What is loaded under a lease, until a time. `undefined`: it is known that there is no value. */
export function packEntry(
  { tag, stamp, token }: Lease,
  freshUntil: number,
  value: string | Buffer | undefined,
): Buffer {
  const length = value === undefined ? 0 : Buffer.byteLength(value);
  const entry = Buffer.allocUnsafe(headLength + length);
  entry[0] = value === undefined ? kinds.absent : kinds.value;
  entry.writeUIntBE(tag, 1, 6);
  entry.writeUIntBE(stamp, 7, 6);
  entry.writeUIntBE(freshUntil, 13, 6);
  entry.writeUIntBE(0, 19, 6);
  entry.write(token, 25, 'latin1');
  if (typeof value === 'string') entry.write(value, headLength);
  else value?.copy(entry, headLength);
  return entry;
}

export function holdsValue(entry: Buffer): boolean {
  return entry.length >= headLength && (entry[0] === kinds.value || entry[0] === kinds.absent);
}

/** Whether there is a value, or that there is none, which is to be believed and within its time. */
export function isFresh(entry: Buffer, link: { believes(entry: Buffer): boolean; now(): number }): boolean {
  return holdsValue(entry) && link.believes(entry) && freshUntilOf(entry) > link.now();
}

export function valueOf(entry: Buffer): Buffer | undefined {
  return entry[0] === kinds.value ? entry.subarray(headLength) : undefined;
}

export function isFence(entry: Buffer): boolean {
  return entry[0] === kinds.fence;
}

export const tagOf = (entry: Buffer): number => entry.readUIntBE(1, 6);
export const stampOf = (entry: Buffer): number => entry.readUIntBE(7, 6);
export const freshUntilOf = (entry: Buffer): number => entry.readUIntBE(13, 6);

/** The token of a lease that runs at this time of Redis's clock. */
export function leaseOf(entry: Buffer | null, now: number): string | undefined {
  if (entry === null || entry.length < headLength || isFence(entry)) return undefined;
  return entry.readUIntBE(19, 6) > now ? entry.toString('latin1', 25, headLength) : undefined;
}

/** By which a script knows whether the entry is still the one that was seen. */
export function headOf(entry: Buffer | null): Buffer {
  return entry === null ? Buffer.alloc(0) : entry.subarray(0, headLength);
}
