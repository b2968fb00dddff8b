import { randomFillSync } from 'node:crypto';

const TRACE_BYTES = 16;
const SPAN_BYTES = 8;
const POOL_BYTES = 3072;

/** Random ids are cut from one pool: a request costs two slices of a string, not two calls into the kernel. */
const pool = Buffer.alloc(POOL_BYTES);
const view = new DataView(pool.buffer, pool.byteOffset, pool.byteLength);
let hex = '';
let used = POOL_BYTES;

function take(bytes: number): number {
  if (used + bytes > POOL_BYTES) {
    randomFillSync(pool);
    hex = pool.toString('hex');
    used = 0;
  }
  const start = used;
  used += bytes;
  return start;
}

function isZero(start: number, bytes: number): boolean {
  for (let at = start; at < start + bytes; at += 4) if (view.getUint32(at) !== 0) return false;
  return true;
}

/** A trace id, and the number in 0..2^32 by which samplers of this project and of the SDK judge it. */
export interface NewTrace {
  id: string;
  score: number;
}

const lastTrace: NewTrace = { id: '', score: 0 };

/** Makes a W3C trace id (32 lower-case hex digits). The returned object is used again by the next call. */
export function newTrace(): NewTrace {
  let start = take(TRACE_BYTES);
  while (isZero(start, TRACE_BYTES)) start = take(TRACE_BYTES);
  lastTrace.id = hex.slice(start * 2, (start + TRACE_BYTES) * 2);
  lastTrace.score =
    (view.getUint32(start) ^
      view.getUint32(start + 4) ^
      view.getUint32(start + 8) ^
      view.getUint32(start + 12)) >>>
    0;
  return lastTrace;
}

/** Makes a W3C trace id (32 lower-case hex digits, never all zero). */
export function newTraceId(): string {
  return newTrace().id;
}

/** Makes a W3C span id (16 lower-case hex digits, never all zero). */
export function newSpanId(): string {
  let start = take(SPAN_BYTES);
  while (isZero(start, SPAN_BYTES)) start = take(SPAN_BYTES);
  return hex.slice(start * 2, (start + SPAN_BYTES) * 2);
}

/** The score of a trace id that came from elsewhere: the exclusive or of its four words. */
export function traceScore(traceId: string): number {
  let score = 0;
  for (let at = 0; at < 32; at += 8) score ^= Number.parseInt(traceId.slice(at, at + 8), 16);
  return score >>> 0;
}

/** The bound under which a score is sampled; the same arithmetic as the SDK's TraceIdRatioBasedSampler. */
export function samplingBound(ratio: number): number {
  if (!(ratio > 0)) return 0;
  return ratio >= 1 ? 0x1_0000_0000 : Math.floor(ratio * 0xffff_ffff);
}
