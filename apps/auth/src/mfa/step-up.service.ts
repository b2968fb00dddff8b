import type { Database } from '@rostrum/data-access';
import type { AuditOrigin } from '../audit/audit-event';
import { FactorsRepository } from './factors.repository';
import { mfaErrors } from './mfa.errors';
import type { SecondFactorProof, ShownFactor } from './second-factor-proof';

export interface SessionOwner {
  userId: string;
  sessionId: string;
}

const recentSeconds = 600;

/** Asks for a second factor that was shown not long ago, where there is one. */
export class RecentFactor {
  constructor(private readonly database: Database) {}

  /** Throws a 403 where it would have to be shown again. */
  async require({ userId, sessionId }: SessionOwner): Promise<void> {
    const state = await new FactorsRepository(this.database).stepUpState(
      { userId, sessionId },
      recentSeconds,
    );
    if (state.hasFactor && !state.isRecent) throw mfaErrors.stepUpRequired();
  }
}

/**
 * What is sensitive takes a second factor that was shown not long ago, by whoever has one. That is noted at the session:
 * no client has to carry another token, and a session that ends takes it along.
 */
export class StepUpService {
  constructor(
    private readonly database: Database,
    private readonly proof: Pick<SecondFactorProof, 'require'>,
  ) {}

  /** Resolves to when it will be asked for again. */
  async stepUp({ userId, sessionId }: SessionOwner, shown: ShownFactor, from: AuditOrigin): Promise<Date> {
    await this.proof.require({ userId, shown, purpose: 'step-up', from });
    const until = await new FactorsRepository(this.database).stepUp(sessionId, recentSeconds);
    if (!until) throw mfaErrors.wrong();
    return until;
  }
}
