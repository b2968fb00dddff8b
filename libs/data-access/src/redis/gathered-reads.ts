import type { Redis } from './redis';
import { sendingTurn, type SendingTurn } from './sending-turn';

const largestGet = 500;

interface Waiting {
  resolve: (value: Buffer | null) => void;
  reject: (error: unknown) => void;
}

const gatherers = new WeakMap<Redis, GatheredReads>();

/** All reads of one turn of the event loop, whoever asks, travel as one MGET. */
export function gatheredReads(redis: Redis): GatheredReads {
  let gatherer = gatherers.get(redis);
  if (!gatherer) {
    gatherer = new GatheredReads(redis);
    gatherers.set(redis, gatherer);
  }
  return gatherer;
}

export class GatheredReads {
  private waiting = new Map<string, Waiting[]>();
  private readonly turn: SendingTurn;

  constructor(private readonly redis: Redis) {
    this.turn = sendingTurn(redis);
  }

  get(key: string): Promise<Buffer | null> {
    return new Promise((resolve, reject) => {
      if (this.waiting.size === 0) this.turn.atEnd(() => this.send());
      const others = this.waiting.get(key);
      if (others) others.push({ resolve, reject });
      else this.waiting.set(key, [{ resolve, reject }]);
    });
  }

  private send(): void {
    const all = [...this.waiting];
    this.waiting = new Map();
    for (let start = 0; start < all.length; start += largestGet)
      this.sendSome(all.slice(start, start + largestGet));
  }

  private sendSome(some: [key: string, askers: Waiting[]][]): void {
    this.redis.mgetBuffer(some.map(([key]) => key)).then(
      (values) => {
        some.forEach(([, askers], index) => {
          for (const { resolve } of askers) resolve(values[index] ?? null);
        });
      },
      (error: unknown) => {
        for (const [, askers] of some) for (const { reject } of askers) reject(error);
      },
    );
  }
}
