import type { Database } from '@rostrum/data-access';
import { OneTimeTokensRepository } from '../mail/one-time-tokens.repository';
import type { SessionEndings } from './session-endings';
import { SessionsRepository } from './sessions.repository';

const batch = 1_000;
const mostSessions = 100;
/** Long enough to be asked about, and longer than any access token lives. */
const keepOverSeconds = 86_400;

/** Removes what is over, and ends what nobody can have begun by hand. */
export class SessionUpkeep {
  constructor(
    private readonly database: Database,
    private readonly endings: Pick<SessionEndings, 'end'>,
  ) {}

  async round(): Promise<void> {
    const sessions = new SessionsRepository(this.database);
    for (const { id, userId } of await sessions.findExcess(mostSessions, batch)) {
      const actor = { kind: 'system' as const, name: 'auth-worker' };
      await this.database.transaction((trx) =>
        this.endings.end(trx, { userId, only: id, reason: 'too many sessions', actor }),
      );
    }
    while ((await sessions.removeOver(keepOverSeconds, batch)) === batch);
    const tokens = new OneTimeTokensRepository(this.database);
    while ((await tokens.removeOld(keepOverSeconds, batch)) === batch);
  }
}
