import http from 'node:http';
import https from 'node:https';
import { generateRequestDetails } from 'web-push';
import { publicLookup } from './public-addresses';
import type { PushServices } from './push-services';
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

/** What became of a try: `gone` is a subscription that is no more, `later` may turn out well another time. */
export type PushResult =
  | { outcome: 'sent' | 'gone' }
  | { outcome: 'refused'; reason: string }
  | { outcome: 'later'; reason: string; afterSeconds: number };

const timeoutMs = 10_000;
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
    private readonly services: Pick<PushServices, 'admission'>,
    private readonly keys: VapidKeys,
  ) {}

  async send({ endpoint, p256dh, auth }: PushTarget, { topic, payload }: OutgoingPush): Promise<PushResult> {
    // The list may have changed since somebody subscribed.
    const admission = this.services.admission(endpoint);
    if (admission === 'refused') return { outcome: 'gone' };
    try {
      const { headers, body } = generateRequestDetails({ endpoint, keys: { p256dh, auth } }, payload, {
        vapidDetails: this.keys,
        TTL: ttlSeconds,
        urgency: 'normal',
        topic,
      });
      return resultOf(await this.post(new URL(endpoint), { headers, body }, admission === 'public'));
    } catch (error) {
      const { code = 'unknown' } = error as { code?: string };
      return { outcome: 'later', reason: code, afterSeconds: 0 };
    }
  }

  close(): void {
    for (const agent of [this.publicAgent, ...Object.values(this.agents)]) agent.destroy();
  }

  private post(
    url: URL,
    { headers, body }: { headers: http.OutgoingHttpHeaders; body: Buffer },
    publicOnly: boolean,
  ): Promise<http.IncomingMessage> {
    const protocol = url.protocol === 'http:' ? 'http:' : 'https:';
    const agent = publicOnly ? this.publicAgent : this.agents[protocol];
    return new Promise((resolve, reject) => {
      const { request } = protocol === 'http:' ? http : https;
      const signal = AbortSignal.timeout(timeoutMs);
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

function resultOf({ statusCode: status = 0, headers }: http.IncomingMessage): PushResult {
  if (status >= 200 && status < 300) return { outcome: 'sent' };
  if (status === 404 || status === 410) return { outcome: 'gone' };
  const reason = `status ${status}`;
  if (status !== 429 && status < 500) return { outcome: 'refused', reason };
  const seconds = Number(headers['retry-after'] ?? 0);
  return { outcome: 'later', reason, afterSeconds: Number.isFinite(seconds) && seconds > 0 ? seconds : 0 };
}
