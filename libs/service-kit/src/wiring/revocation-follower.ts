import {
  revocationNews,
  revocationNewsSeconds,
  revocationsPath,
  revocationsRoute,
  revocationStream,
  type RevocationNews,
} from '@rostrum/contracts';
import type { RevocationList } from '@rostrum/security';
import type { RevocationSources } from './follow-revocations';

/** Auth writes twice a second; a silence of this length is a reason to ask. */
const silenceMs = 1_200;
const askEveryMs = 500;
const askTimeoutMs = 1_000;
/** What was not heard for nearly as long as an entry goes back may have been missed. */
const gapMs = revocationNewsSeconds * 1_000 - silenceMs;
/** Within the promised five seconds. */
const staleMs = 4_500;
const mostEntries = 1_000;

const answer = revocationsRoute.responses[200].schema;

export interface FollowerOptions extends RevocationSources {
  onError: (error: unknown) => void;
}

/** Keeps a list of revocations up to date from two sources, of which one is enough. */
export class RevocationFollower {
  private readonly url: URL;
  /** The last entry that was read; undefined until the end of the stream has been found. */
  private position: string | undefined;
  private cursor: string | undefined;
  private keys: string | undefined;
  /** Since then nothing can have been missed. */
  private heardAt = -Infinity;
  private askedAt = -Infinity;

  constructor(
    private readonly list: RevocationList,
    private readonly options: FollowerOptions,
  ) {
    this.url = new URL(revocationsPath, options.jwksUrl);
  }

  /** For how long it has known nothing for sure. */
  get ageMs(): number {
    return performance.now() - this.heardAt;
  }

  async check(): Promise<void> {
    if (this.ageMs > staleMs)
      throw new Error(`Nothing is known of revocations since ${Math.round(this.ageMs)} ms`);
  }

  /** Looks once; never rejects. */
  async look(): Promise<void> {
    const mayHaveMissed = this.ageMs > gapMs;
    const asOf = performance.now();
    const heard = await this.read();
    if (heard && !mayHaveMissed) this.heardAt = asOf;
    const mustAsk = mayHaveMissed || this.ageMs > silenceMs;
    if (mustAsk && asOf - this.askedAt >= askEveryMs) await this.ask();
  }

  /** Whether the stream has something new. A stream that cannot be read is as good as silent. */
  private async read(): Promise<boolean> {
    const { redis } = this.options;
    try {
      if (this.position === undefined) {
        const [last] = await redis.xrevrange(revocationStream, '+', '-', 'COUNT', 1);
        this.position = last?.[0] ?? '0-0';
        return false;
      }
      const streams = await redis.xread('COUNT', mostEntries, 'STREAMS', revocationStream, this.position);
      const entries = streams?.[0]?.[1] ?? [];
      for (const [id, [, text]] of entries) {
        this.position = id;
        this.take(revocationNews.parse(JSON.parse(text ?? '')));
      }
      return entries.length > 0;
    } catch (error) {
      this.options.onError(error);
      return false;
    }
  }

  private async ask(): Promise<void> {
    const asOf = performance.now();
    this.askedAt = asOf;
    // A Redis that has been replaced may count from a lower number: where the stream ends is found anew.
    this.position = undefined;
    if (this.cursor) this.url.searchParams.set('since', this.cursor);
    try {
      const response = await this.options.fetch(this.url, {
        signal: AbortSignal.timeout(askTimeoutMs),
        redirect: 'error',
      });
      if (!response.ok) throw new Error(`Auth answered ${response.status}`);
      const news = answer.parse(await response.json());
      this.take(news);
      this.cursor = news.cursor;
      this.heardAt = asOf;
    } catch (error) {
      this.options.onError(error);
    }
  }

  private take({ keys, revocations }: RevocationNews): void {
    this.list.add(revocations);
    const changed = this.keys !== undefined && this.keys !== keys;
    this.keys = keys;
    // Who cannot be asked now is asked again for the first token that names a new key.
    if (changed) this.options.keys?.reload().catch(this.options.onError);
  }
}
