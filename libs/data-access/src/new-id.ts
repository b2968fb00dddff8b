import { randomFillSync } from 'node:crypto';
import { v7 } from 'uuid';

const bytesOfOne = 16;
const idsAtOnce = 256;
const pool = new Uint8Array(idsAtOnce * bytesOfOne);
let next = pool.length;
let msecs = 0;
let sequence = 0;

/**
 * A UUIDv7, greater than all that this process has made before. Chance is asked for many at once: by itself, that costs
 * more than all the rest.
 */
export function newId(): string {
  if (next === pool.length) {
    randomFillSync(pool);
    next = 0;
  }
  const random = pool.subarray(next, next + bytesOfOne);
  next += bytesOfOne;
  const now = Date.now();
  if (now > msecs) {
    msecs = now;
    sequence = new DataView(random.buffer, random.byteOffset).getUint32(0) >>> 1;
  } else {
    sequence = (sequence + 1) >>> 0;
    if (sequence === 0) msecs += 1;
  }
  return v7({ random, msecs, seq: sequence });
}
