import { hash } from 'node:crypto';

/** What a request asks for, whoever asks. */
export interface AskedFor {
  method: string;
  /** The route's pattern. */
  path: string;
  params: unknown;
  query: unknown;
  /** As it was sent: what defaults and transforms make of it may change with the next version. */
  body: unknown;
}

/** Equal for requests that ask for the same, in whatever order their fields stand. */
export function fingerprintOf({ method, path, params, query, body }: AskedFor): Buffer {
  const parts = [method, path, params ?? null, query ?? null, body ?? null];
  return hash('sha256', JSON.stringify(parts, inOrder), 'buffer');
}

function inOrder(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)));
}
