/** What a W3C `traceparent` header says. */
export interface TraceParent {
  traceId: string;
  spanId: string;
  sampled: boolean;
}

const TRACE_STATE_MAX = 512;
const HYPHEN = 45;

function isLowerHex(text: string, from: number, to: number): boolean {
  for (let at = from; at < to; at++) {
    const code = text.charCodeAt(at);
    if (code < 48 || code > 102 || (code > 57 && code < 97)) return false;
  }
  return true;
}

function isAllZero(text: string, from: number, to: number): boolean {
  for (let at = from; at < to; at++) if (text.charCodeAt(at) !== 48) return false;
  return true;
}

function hasLayout(header: string): boolean {
  if (header.length < 55) return false;
  if (header.charCodeAt(2) !== HYPHEN || header.charCodeAt(35) !== HYPHEN || header.charCodeAt(52) !== HYPHEN)
    return false;
  if (header.length === 55) return true;
  // Later versions may append fields after another hyphen; version 00 has none.
  return header.charCodeAt(55) === HYPHEN && !header.startsWith('00');
}

/**
 * Reads a `traceparent` header as the W3C recommendation asks: lower-case hex only, version ff and all-zero ids
 * refused, a longer header accepted only from a later version. Anything else is `undefined`: a new trace starts.
 */
export function parseTraceparent(header: string | undefined): TraceParent | undefined {
  if (header === undefined || !hasLayout(header)) return undefined;
  if (!isLowerHex(header, 0, 2) || header.startsWith('ff')) return undefined;
  if (!isLowerHex(header, 3, 35) || isAllZero(header, 3, 35)) return undefined;
  if (!isLowerHex(header, 36, 52) || isAllZero(header, 36, 52)) return undefined;
  if (!isLowerHex(header, 53, 55)) return undefined;
  return {
    traceId: header.slice(3, 35),
    spanId: header.slice(36, 52),
    sampled: (Number.parseInt(header.slice(53, 55), 16) & 1) === 1,
  };
}

/** Writes a version 00 `traceparent`. */
export function formatTraceparent(traceId: string, spanId: string, sampled: boolean): string {
  return sampled ? `00-${traceId}-${spanId}-01` : `00-${traceId}-${spanId}-00`;
}

const TRACE_STATE = /^[\x20-\x7e]*$/;

/** Takes a `tracestate` header that is fit to be passed on: printable and bounded. Otherwise it is left out. */
export function acceptTraceState(header: string | undefined): string | undefined {
  if (!header || header.length > TRACE_STATE_MAX || !TRACE_STATE.test(header)) return undefined;
  return header;
}
