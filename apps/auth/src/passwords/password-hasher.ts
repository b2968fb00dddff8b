import { randomBytes } from 'node:crypto';
import { hash, verify, type Options } from '@node-rs/argon2';
import type { BoundedQueue } from './bounded-queue';

/** OWASP's recommendation. A hash names its own parameters, so these may rise without touching stored ones. */
const parameters: Options = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

/** argon2id in its library's threads, never more of it at once than the queue allows. */
export class PasswordHasher {
  private constructor(
    private readonly queue: BoundedQueue,
    private readonly stranger: string,
  ) {}

  /** Makes the hash that stands in for those of accounts that do not exist. */
  static async create(queue: BoundedQueue): Promise<PasswordHasher> {
    return new PasswordHasher(queue, await hash(randomBytes(32), parameters));
  }

  hash(password: string, signal?: AbortSignal): Promise<string> {
    return this.queue.run(() => hash(canonical(password), parameters), signal);
  }

  /** Without a hash the answer is false, after the same work: its time tells nobody whether there is an account. */
  async verify(password: string, stored: string | undefined, signal?: AbortSignal): Promise<boolean> {
    const matches = await this.queue.run(() => verify(stored ?? this.stranger, canonical(password)), signal);
    return matches && stored !== undefined;
  }
}

/** One password may be typed as different code points on different keyboards. */
function canonical(password: string): string {
  return password.normalize('NFKC');
}
