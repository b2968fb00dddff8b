/** How long what is cached is served, and when it is refreshed. */
export interface CachePolicy {
  /** For how long a value is fresh, give or take a tenth. */
  ttlSeconds: number;
  /** For how long it is remembered that there is no value; 0: not at all. A change that makes one ends that at once. */
  absentSeconds: number;
  /** So long after that the value is served at once and refreshed meanwhile. It is none the older: changes remove it. */
  staleWhileRevalidateSeconds: number;
  /** So long after that it is served when it cannot be read anew. */
  staleIfErrorSeconds: number;
}

/** The milestone's times. */
export const cachePolicies = {
  profile: {
    ttlSeconds: 300,
    absentSeconds: 15,
    staleWhileRevalidateSeconds: 30,
    staleIfErrorSeconds: 600,
  },
  feed: {
    ttlSeconds: 300,
    absentSeconds: 0,
    staleWhileRevalidateSeconds: 10,
    staleIfErrorSeconds: 300,
  },
  post: {
    ttlSeconds: 600,
    absentSeconds: 30,
    staleWhileRevalidateSeconds: 60,
    staleIfErrorSeconds: 1_200,
  },
  /** At most so long: each ends by its own time, and is never served after it. */
  session: {
    ttlSeconds: 900,
    absentSeconds: 0,
    staleWhileRevalidateSeconds: 0,
    staleIfErrorSeconds: 0,
  },
} as const satisfies Record<string, CachePolicy>;

export type CachePolicyName = keyof typeof cachePolicies;

export function policyOf(policy: CachePolicyName | CachePolicy): CachePolicy {
  return typeof policy === 'string' ? cachePolicies[policy] : policy;
}
