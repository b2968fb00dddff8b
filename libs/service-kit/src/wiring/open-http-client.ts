import type { Metrics } from '@rostrum/observability';
import { createHttpClient, type HttpClient, type HttpClientOptions } from '@rostrum/resilience';
import type { Kit } from '../lifecycle/kit';
import type { Resource } from '../lifecycle/service';

export interface OpenHttpClient {
  client: HttpClient;
  /** The client for whoever only knows `fetch` and reads. */
  fetch: (url: string | URL, init?: { signal?: AbortSignal }) => Promise<Response>;
  resource: Resource;
}

const buckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];

/**
 * The way to another service: requests carry the request id and the trace of whoever makes them, and what becomes of
 * them is measured and guarded.
 */
export function openHttpClient(
  kit: Kit,
  { whenOpen, ...options }: Omit<HttpClientOptions, 'headers' | 'hooks'> & { whenOpen?: string },
): OpenHttpClient {
  const { breakers, logger, tracing } = kit;
  const durations = durationsOf(kit.metrics);
  const client = createHttpClient({
    ...options,
    breaker: { ...breakers.limits, ...options.breaker },
    headers: () => tracing.outgoingHeaders(),
    hooks: {
      ...breakers.hooks,
      onBreaker: (breaker) => breakers.add(breaker, whenOpen),
      onBreakerGone: (breaker) => breakers.remove(breaker),
      onExchange: ({ name, method, outcome, seconds }) =>
        durations.observe({ client: name, method, outcome }, seconds),
      onRetry: ({ name, attempt, delayMs }) =>
        logger.debug(`Calling ${name} again`, { attempt, delay_ms: Math.round(delayMs) }),
    },
  });
  return {
    client,
    fetch: (url, init) => fetchWith(client, url, init),
    resource: { name: options.name, close: () => client.close() },
  };
}

/** Auth, whose keys and revocations all others follow. While its circuit is open it is asked for its keys. */
export function openAuthClient(kit: Kit, jwksUrl: string): OpenHttpClient {
  const { origin, pathname } = new URL(jwksUrl);
  return openHttpClient(kit, {
    name: 'auth',
    whenOpen: 'the keys that are known stay good',
    origin,
    probePath: pathname,
    // Shorter than those who ask are ready to wait: else their giving up would hide that it hangs.
    attemptTimeoutMs: 800,
    timeoutMs: 1_900,
    retries: 1,
    breaker: { probeEveryMs: 500 },
  });
}

async function fetchWith(
  client: HttpClient,
  url: string | URL,
  init: { signal?: AbortSignal } = {},
): Promise<Response> {
  const { status, headers, body } = await client.request(url, init);
  return new Response(body.length > 0 ? new Uint8Array(body) : null, { status, headers });
}

type Histogram = ReturnType<Metrics['histogram']>;

/** All clients of a process are measured in one metric. */
function durationsOf(metrics: Metrics): Histogram {
  const name = 'http_client_request_duration_seconds';
  const known = metrics.registry.getSingleMetric(name) as Histogram | undefined;
  return (
    known ??
    metrics.histogram(name, 'Time of each try of an outgoing request, by what became of it', {
      labelNames: ['client', 'method', 'outcome'],
      buckets,
    })
  );
}
