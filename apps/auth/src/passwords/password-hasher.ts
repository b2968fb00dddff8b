import { randomBytes, timingSafeEqual } from 'node:crypto';
import { hash, parseOptions, type Options } from '@node-rs/argon2';
import type { StoredPassword } from '../accounts/account';
import type { DerivedKeys, Keyring } from '../secrets/keyring';
import type { BoundedQueue } from './bounded-queue';

/** What a hash costs. A hash names its own parameters, so these may rise without touching stored ones. */
export interface HashParameters {
  memoryKib: number;
  passes: number;
}

export interface HashingOptions {
  /** Keeps a salt that is there already. */
  salt?: Buffer | undefined;
  signal?: AbortSignal | undefined;
}

/** What came of checking a password. */
export interface PasswordMatch {
  /** Which of the candidates it belongs to. */
  index: number;
  /** Its hash is weaker than one made now: time to make another. */
  isStale: boolean;
}

const saltBytes = 16;
const threads = 1;

/** argon2id in its library's threads, never more of it at once than the queue allows, with a secret mixed in. */
export class PasswordHasher {
  private readonly peppers: DerivedKeys;
  private readonly options: Options;
  private readonly prefix: string;
  /** Stands in for the hashes of accounts that do not exist. */
  private readonly stranger: StoredPassword;

  constructor(
    private readonly queue: Pick<BoundedQueue, 'run'>,
    keyring: Keyring,
    { memoryKib, passes }: HashParameters,
  ) {
    this.peppers = keyring.keysFor('password pepper');
    this.options = { memoryCost: memoryKib, timeCost: passes, parallelism: threads };
    this.prefix = `$argon2id$v=19$m=${memoryKib},t=${passes},p=${threads}$`;
    const salt = randomBytes(saltBytes).toString('base64').replace(/=+$/, '');
    // No password leads to a hash of zeros.
    const nothing = Buffer.alloc(32).toString('base64').replace(/=+$/, '');
    this.stranger = { hash: `${this.prefix}${salt}$${nothing}`, pepper: this.peppers.current.id };
  }

  async hash(
    password: string,
    { salt = randomBytes(saltBytes), signal }: HashingOptions = {},
  ): Promise<StoredPassword> {
    const { id, bytes: secret } = this.peppers.current;
    const options = { ...this.options, salt, secret };
    return { hash: await this.queue.run(() => hash(canonical(password), options), signal), pepper: id };
  }

  /**
   * Finds whose password it is, for the work of one hash however many they are: none, or several who share a salt.
   * Without anybody it takes the same work, so that its time tells nobody whether there is an account.
   */
  async verify(
    password: string,
    candidates: readonly StoredPassword[],
    signal?: AbortSignal,
  ): Promise<PasswordMatch | undefined> {
    const [first = this.stranger] = candidates;
    const options = this.optionsOf(first);
    const made = Buffer.from(await this.queue.run(() => hash(canonical(password), options), signal));
    const index = candidates.findIndex(
      ({ hash: stored, pepper }) => pepper === first.pepper && isSame(made, Buffer.from(stored)),
    );
    return index === -1 ? undefined : { index, isStale: this.isStale(first, options) };
  }

  private optionsOf({ hash: stored, pepper }: StoredPassword): Options {
    const { memoryCost, timeCost, parallelism, outputLen } = parseOptions(stored);
    const secret = this.peppers.all.find(({ id }) => id === pepper)?.bytes;
    if (pepper !== null && !secret)
      throw new Error(`There is no secret ${pepper}, which a password was hashed with`);
    return { memoryCost, timeCost, parallelism, outputLen, salt: saltOf(stored), ...(secret && { secret }) };
  }

  private isStale({ pepper }: StoredPassword, { memoryCost = 0, timeCost = 0 }: Options): boolean {
    const { memoryCost: memory = 0, timeCost: passes = 0 } = this.options;
    return pepper !== this.peppers.current.id || memoryCost < memory || timeCost < passes;
  }
}

/** The salt of argon2's own text. */
export function saltOf(stored: string): Buffer {
  return Buffer.from(String(stored.split('$')[4]), 'base64');
}

function isSame(one: Buffer, other: Buffer): boolean {
  return one.length === other.length && timingSafeEqual(one, other);
}

/** One password may be typed as different code points on different keyboards. */
function canonical(password: string): string {
  return password.normalize('NFKC');
}
