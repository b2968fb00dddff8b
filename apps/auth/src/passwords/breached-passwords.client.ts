import { hash } from 'node:crypto';
import type { Policy } from '@rostrum/resilience';

const prefixLength = 5;

/** Somebody who knows which passwords have been in breaches. */
export interface BreachedPasswords {
  includes(password: string): Promise<boolean>;
}

/**
 * Asks a service by the first five digits of the password's SHA-1, for which it answers some hundreds of them: it
 * learns neither the password nor whether it is among those. https://api.pwnedpasswords.com/range/ is one such.
 */
export class BreachedPasswordsClient implements BreachedPasswords {
  constructor(
    private readonly url: string,
    private readonly policy: Pick<Policy, 'execute'>,
  ) {}

  async includes(password: string): Promise<boolean> {
    const digest = hash('sha1', password.normalize('NFKC'), 'hex').toUpperCase();
    const [prefix, rest] = [digest.slice(0, prefixLength), digest.slice(prefixLength)];
    const answer = await this.policy.execute(({ signal }) => this.ask(prefix, signal));
    // Lines `REST:COUNT`; those with a count of zero are there to hide how many there really are.
    return answer.split('\n').some((line) => line.startsWith(`${rest}:`) && !/:0\s*$/.test(line));
  }

  private async ask(prefix: string, signal: AbortSignal): Promise<string> {
    const response = await fetch(this.url + prefix, {
      signal,
      headers: { 'Add-Padding': 'true', 'User-Agent': 'rostrum-auth' },
    });
    if (!response.ok) throw new Error(`The list of breached passwords answered ${response.status}`);
    return response.text();
  }
}
