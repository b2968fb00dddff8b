import http from 'node:http';
import https from 'node:https';
import { isAppError } from '@rostrum/errors';
import type { Policy } from '@rostrum/resilience';
import { generateRequestDetails } from 'web-push';
import { publicLookup } from './public-addresses';
import type { PushServiceEntry, PushServices } from './push-services';
import type { VapidKeys } from './push-settings';

export interface PushTarget {
  endpoint: string;
  p256dh: string;
  auth: string;
}

export interface OutgoingPush {
  /** Of several pushes with one topic that wait at the service, only the last is kept. */
  topic: string;
  payload: string;
}

interface Later {
  outcome: 'later';
  reason: string;
  afterSeconds: number;
}

/**
 * What became of a try: `gone` is a subscription that is no more, `later` may turn out well another time, `untried` was
 * not sent, since its service has failed too often just now.
 */
export type PushResult =
  | { outcome: 'sent' | 'gone' }
  | { outcome: 'refused'; reason: string }
  | { outcome: 'untried'; afterSeconds: number }
  | Later;

/** The circuit of each push service, by its name. */
export type PushPolicies = ReadonlyMap<string, Pick<Policy, 'execute'>>;

type Encrypted = Pick<ReturnType<typeof generateRequestDetails>, 'endpoint' | 'headers' | 'body'>;

const ttlSeconds = 86_400;
const mostSockets = 50;

/** Hands pushes, encrypted for one browser each, to that browser's push service. Follows no redirects. */
export class PushSender {
  private readonly publicAgent = new https.Agent({
    keepAlive: true,
    maxSockets: mostSockets,
    lookup: publicLookup(),
  });
  private readonly agents = {
    'https:': new https.Agent({ keepAlive: true, maxSockets: mostSockets }),
    'http:': new http.Agent({ keepAlive: true, maxSockets: mostSockets }),
  };

  constructor(
    private readonly services: Pick<PushServices, 'find'>,
    private readonly keys: VapidKeys,
    private readonly policies: PushPolicies,
  ) {}

  async send(target: PushTarget, push: OutgoingPush): Promise<PushResult> {
    const service = this.services.find(target.endpoint);
    const policy = service && this.policies.get(service.name);
    // The list may have changed since somebody subscribed.
    if (!policy) return { outcome: 'gone' };
    const encrypted = this.encrypt(target, push);
    let tried = false;
    try {
      return await policy.execute(async ({ signal }) => {
        tried = true;
        const response = await this.post(encrypted, { service, signal });
        return resultOf(response);
      });
    } catch (error) {
      if (error instanceof ServiceFault) return error.result;
      if (!tried) return { outcome: 'untried', afterSeconds: secondsToWait(error) };
      const { code = 'unknown' } = error as { code?: string };
      return { outcome: 'later', reason: code, afterSeconds: 0 };
    }
  }

  close(): void {
    for (const agent of [this.publicAgent, ...Object.values(this.agents)]) agent.destroy();
  }

  private encrypt({ endpoint, p256dh, auth }: PushTarget, { topic, payload }: OutgoingPush): Encrypted {
    return generateRequestDetails({ endpoint, keys: { p256dh, auth } }, payload, {
      vapidDetails: this.keys,
      TTL: ttlSeconds,
      urgency: 'normal',
      topic,
    });
  }

  private post(
    { endpoint, headers, body }: Encrypted,
    { service, signal }: { service: PushServiceEntry; signal: AbortSignal },
  ): Promise<http.IncomingMessage> {
    const url = new URL(endpoint);
    const protocol = url.protocol === 'http:' ? 'http:' : 'https:';
    const agent = service.isPublic ? this.publicAgent : this.agents[protocol];
    return new Promise((resolve, reject) => {
      const { request } = protocol === 'http:' ? http : https;
      request(url, { method: 'POST', headers, agent, signal }, (response) => {
        // What it says beyond the status is of no interest, and may be endless.
        response.on('error', () => undefined);
        if (Number(response.headers['content-length'] ?? 0) > 65_536) response.destroy();
        else response.resume();
        resolve(response);
      })
        .on('error', reject)
        .end(body);
    });
  }
}

/** An answer that counts against the service; that it wants fewer requests does not. */
class ServiceFault extends Error {
  constructor(readonly result: Later) {
    super(result.reason);
  }
}

function resultOf({ statusCode: status = 0, headers }: http.IncomingMessage): PushResult {
  if (status >= 200 && status < 300) return { outcome: 'sent' };
  if (status === 404 || status === 410) return { outcome: 'gone' };
  const reason = `status ${status}`;
  if (status !== 429 && status < 500) return { outcome: 'refused', reason };
  const seconds = Number(headers['retry-after'] ?? 0);
  const afterSeconds = Number.isFinite(seconds) && seconds > 0 ? seconds : 0;
  const result: Later = { outcome: 'later', reason, afterSeconds };
  if (status >= 500) throw new ServiceFault(result);
  return result;
}

function secondsToWait(error: unknown): number {
  return (isAppError(error) && error.retryAfterSeconds) || 1;
}
