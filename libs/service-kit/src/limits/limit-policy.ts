import type { RateLimit } from '@rostrum/data-access';

/** Which limit a request falls under; also its name in headers, problems and metrics. */
export type PolicyName = 'api' | 'auth';

export interface PolicyOptions {
  name: PolicyName;
  quota: number;
  windowMs: number;
  /** What this process admits by itself while Redis does not decide. By default the whole quota. */
  localQuota?: number;
  /**
   * Whether each try may be an attack: then none is admitted before it is counted, and what Redis has admitted still
   * counts when Redis is gone.
   */
  strict?: boolean;
}

/** The part of a quota that a process may have admitted without Redis knowing of it. */
const uncountedPart = 1 / 10;
/** No call of the script pushes more than this at once. */
const mostAtOnce = 1_000;

/** So many requests of one caller in any window of time, and all the texts that tell of it, made once. */
export class LimitPolicy {
  readonly name: PolicyName;
  /** What Redis counts. */
  readonly shared: RateLimit;
  readonly local: RateLimit;
  readonly strict: boolean;
  /** How many requests of a caller a process may have admitted that Redis has not counted. */
  readonly mostUncounted: number;
  /** What the headers of an answer begin with, up to what remains. */
  readonly headerStart: string;
  /** The same for the item that tells what remains once more. */
  readonly itemStart: string;

  constructor({ name, quota, windowMs, localQuota = quota, strict = false }: PolicyOptions) {
    this.name = name;
    this.shared = { name, quota, windowMs };
    this.local = { name, quota: localQuota, windowMs };
    this.strict = strict;
    this.mostUncounted = strict ? 0 : Math.min(mostAtOnce, Math.floor(quota * uncountedPart));
    // In the form of draft-ietf-httpapi-ratelimit-headers-11.
    const policy = `"${name}";q=${quota};w=${Math.ceil(windowMs / 1000)}`;
    this.headerStart = `\r\nX-RateLimit-Limit: ${quota}\r\nRateLimit-Policy: ${policy}\r\nX-RateLimit-Remaining: `;
    this.itemStart = `\r\nRateLimit: "${name}";r=`;
  }
}
