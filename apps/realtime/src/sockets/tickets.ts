import { hash, randomBytes } from 'node:crypto';
import { redisKeys, type Redis } from '@rostrum/data-access';
import { problems } from '@rostrum/errors';
import type { AccessClaims, RevocationList } from '@rostrum/security';

export interface TicketsOptions {
  redis: Pick<Redis, 'set' | 'getdel'>;
  revocations: Pick<RevocationList, 'isRevoked'>;
  ttlSeconds: number;
}

const keys = redisKeys('realtime');
const prefix = 'rtk_';
const wellFormed = /^rtk_[\w-]{43}$/;

/**
 * Tickets for clients that have no other way to say who they are: worth one socket, within seconds, so that one found in
 * a log is worth nothing. Redis has the hash of a ticket and the claims it stands for.
 */
export class Tickets {
  constructor(private readonly options: TicketsOptions) {}

  static isTicket(text: string): boolean {
    return text.startsWith(prefix);
  }

  async issue(user: AccessClaims): Promise<{ ticket: string; expiresAt: Date }> {
    const { redis, ttlSeconds } = this.options;
    const ticket = prefix + randomBytes(32).toString('base64url');
    const expiresAt = new Date(Math.min(Date.now() + ttlSeconds * 1000, user.expiresAt * 1000));
    try {
      await redis.set(keyOf(ticket), JSON.stringify(user), 'PXAT', expiresAt.getTime());
    } catch (error) {
      throw problems.unavailable('redis', 1, error);
    }
    return { ticket, expiresAt };
  }

  /** Whose it is. It is worth nothing afterwards, whoever else comes with it at the same time. */
  async redeem(ticket: string): Promise<AccessClaims> {
    if (!wellFormed.test(ticket)) throw problems.unauthorized();
    const user = await this.take(ticket);
    if (!user || this.options.revocations.isRevoked(user)) throw problems.unauthorized();
    return user;
  }

  private async take(ticket: string): Promise<AccessClaims | undefined> {
    try {
      const text = await this.options.redis.getdel(keyOf(ticket));
      return text === null ? undefined : (JSON.parse(text) as AccessClaims);
    } catch (error) {
      throw problems.unavailable('redis', 1, error);
    }
  }
}

function keyOf(ticket: string): string {
  return keys.key('ticket', hash('sha256', ticket, 'base64url'));
}
