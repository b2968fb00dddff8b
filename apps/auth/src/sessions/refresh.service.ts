import type { Database } from '@rostrum/data-access';
import type { AuditOrigin } from '../audit/audit-event';
import type { BusinessEvents } from '../business-events';
import type { MailJobs } from '../mail/mail-jobs';
import { judgeRefresh, mostRotations } from './refresh-rules';
import type { RefreshToken, RefreshTokens } from './refresh-token';
import type { FoundFamily, RefreshedSession } from './session';
import type { SessionEndings } from './session-endings';
import type { SessionTokens } from './session-tokens';
import { sessionsErrors } from './sessions.errors';
import { SessionsRepository } from './sessions.repository';

export interface RefreshDependencies {
  database: Database;
  tokens: RefreshTokens;
  issue: Pick<SessionTokens, 'accessTokenFor'>;
  endings: Pick<SessionEndings, 'end'>;
  notices: { mail: Pick<MailJobs, 'add'>; events: Pick<BusinessEvents, 'tokenRefreshed'> };
}

/** What a client gets for a refresh token. */
export interface Refreshed {
  session: RefreshedSession;
  refreshToken: string;
  accessToken: string;
  csrfToken: string | undefined;
}

/** Between what is read of a session and what is written, another process may have exchanged the token. */
const mostTries = 3;

/** Exchanges refresh tokens. Requests with one token at the same time share one exchange, and one database connection. */
export class RefreshService {
  private readonly underWay = new Map<string, Promise<Refreshed>>();

  constructor(
    private readonly dependencies: RefreshDependencies,
    private readonly idleSeconds: number,
  ) {}

  refresh(refreshToken: string, from: AuditOrigin): Promise<Refreshed> {
    const running = this.underWay.get(refreshToken);
    if (running) return running;
    const exchange = this.exchange(refreshToken, from).finally(() => this.underWay.delete(refreshToken));
    this.underWay.set(refreshToken, exchange);
    return exchange;
  }

  private async exchange(text: string, from: AuditOrigin): Promise<Refreshed> {
    const token = this.dependencies.tokens.read(text);
    if (!token) throw this.refused('unknown');
    for (let tries = 0; tries < mostTries; tries += 1) {
      const refreshed = (await this.rotate(token)) ?? (await this.settle(token, from));
      if (refreshed) return this.answer(refreshed.session, refreshed.newest);
    }
    throw this.refused('unknown');
  }

  private async rotate(token: RefreshToken): Promise<Newest | undefined> {
    const { database, tokens, notices } = this.dependencies;
    const [successor] = tokens.successors(token) as [RefreshToken];
    const [successorHash] = tokens.hashes(successor) as [Buffer];
    const session = await new SessionsRepository(database).rotate({
      sessionId: token.sessionId,
      hashes: tokens.hashes(token),
      successorHash,
      idleSeconds: this.idleSeconds,
      mostRotations,
    });
    if (!session) return undefined;
    notices.events.tokenRefreshed('rotated');
    return { session, newest: successor };
  }

  /** What becomes of a token that could not be exchanged; undefined where it should be tried again. */
  private async settle(token: RefreshToken, from: AuditOrigin): Promise<Newest | undefined> {
    const { database, notices } = this.dependencies;
    const sessions = new SessionsRepository(database);
    const session = await sessions.findFamily(token.sessionId);
    if (!session || session.isOver) throw this.refused('over');
    switch (judgeRefresh(session.state, token.generation)) {
      case 'repeat':
        notices.events.tokenRefreshed('repeated');
        return this.newestAfter(token, session);
      case 'spare':
        if (!(await sessions.spareParent(token.sessionId, session.state.generation))) return undefined;
        notices.events.tokenRefreshed('spared');
        return this.newestAfter(token, session);
      case 'replayed':
        await this.endReplayed(session, from);
        throw this.refused('replayed');
      case 'too many':
        throw sessionsErrors.tooManyRefreshes();
      case 'unknown':
        throw this.refused('unknown');
      case 'rotate':
        // The newest one by its number: either it has just become that, or it is not the one that we have given out.
        return this.isNewest(token, session) ? undefined : this.refuse('unknown');
    }
  }

  /** The newest token of the session, which nobody keeps: it follows from the one that was shown. */
  private newestAfter(token: RefreshToken, session: FoundFamily): Newest {
    const { tokens } = this.dependencies;
    let candidates = tokens.successors(token).map((successor, key) => ({ successor, key }));
    for (let step = token.generation + 2; step <= session.state.generation; step += 1) {
      candidates = candidates.flatMap(({ successor, key }) => {
        const next = tokens.successors(successor)[key];
        return next ? [{ successor: next, key }] : [];
      });
    }
    const newest = candidates.find(({ successor }) => this.isNewest(successor, session));
    if (!newest) throw this.refused('unknown');
    return { session, newest: newest.successor };
  }

  private isNewest(token: RefreshToken, { tokenHash }: FoundFamily): boolean {
    return (
      tokenHash !== null && this.dependencies.tokens.hashes(token).some((hash) => hash.equals(tokenHash))
    );
  }

  /** Whoever it was, one of two holders of the token is not its owner. */
  private async endReplayed({ sessionId, userId }: FoundFamily, from: AuditOrigin): Promise<void> {
    const { database, endings, notices } = this.dependencies;
    await database.transaction(async (trx) => {
      const ended = await endings.end(trx, {
        userId,
        only: sessionId,
        reason: 'token replayed',
        actor: { kind: 'anonymous' },
        from,
      });
      if (ended > 0) await notices.mail.add(trx, { kind: 'token-replayed', userId });
    });
  }

  private async answer(session: RefreshedSession, newest: RefreshToken): Promise<Refreshed> {
    const { issue, tokens } = this.dependencies;
    const access = await issue.accessTokenFor(session);
    return { session, refreshToken: tokens.write(newest), ...access };
  }

  private refuse(outcome: 'unknown'): never {
    throw this.refused(outcome);
  }

  private refused(outcome: 'unknown' | 'over' | 'replayed') {
    this.dependencies.notices.events.tokenRefreshed(outcome);
    return sessionsErrors.invalidRefreshToken();
  }
}

interface Newest {
  session: RefreshedSession;
  newest: RefreshToken;
}
