import { revocationNewsSeconds, revocationStream, type RevocationNews } from '@rostrum/contracts';
import type { Redis } from '@rostrum/data-access';
import type { RevocationList } from '@rostrum/security';
import type { RevocationLog } from './revocation-log';
import type { RevocationsRepository } from './revocations.repository';

const freshForMs = 3_000;
/** Well within what the repository calls recent. */
const recentForMs = 15_000;
const streamLength = 1_000;
const removeEveryRounds = 600;

export interface BroadcastOptions {
  repository: Pick<RevocationsRepository, 'all' | 'recent' | 'removeExpired'>;
  redis: Pick<Redis, 'xadd'>;
  list: RevocationList;
  log: RevocationLog;
  /** Another text whenever other keys are published. */
  keysVersion: () => string;
}

/**
 * Learns twice a second what other processes have revoked, and tells everyone through Redis, also that there is nothing
 * new: by that the others know that they miss nothing. What is revoked here is told at once.
 */
export class RevocationBroadcast {
  private learnedAt = -Infinity;
  private rounds = 0;

  constructor(private readonly options: BroadcastOptions) {}

  /** Whether this process has seen lately what others have revoked; else it is no one to ask. */
  get isFresh(): boolean {
    return performance.now() - this.learnedAt < freshForMs;
  }

  /** Tells of what was revoked here. Whoever does not hear it hears it in the next round, or asks. */
  tell(): void {
    const { log, redis, keysVersion } = this.options;
    const news: RevocationNews = { keys: keysVersion(), revocations: log.latest(revocationNewsSeconds) };
    redis
      .xadd(revocationStream, 'MAXLEN', '~', streamLength, '*', 'news', JSON.stringify(news))
      .catch(() => undefined);
  }

  /** One round. */
  async learnAndTell(): Promise<void> {
    await this.learn();
    // Who cannot look must not say that there is nothing new.
    this.tell();
  }

  /** Resolves when the list holds all that was revoked before the call, by whatever process. */
  private async learn(): Promise<void> {
    const { repository, list } = this.options;
    const asOf = performance.now();
    const mayHaveMissed = asOf - this.learnedAt > recentForMs;
    list.add(await (mayHaveMissed ? repository.all() : repository.recent()));
    this.learnedAt = asOf;
    this.rounds += 1;
    if (this.rounds % removeEveryRounds === 0) await repository.removeExpired();
  }
}
