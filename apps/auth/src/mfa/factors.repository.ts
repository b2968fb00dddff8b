import type { Queryable } from '@rostrum/data-access';

/** Which second factors somebody has. */
export interface FactorCounts {
  totp: boolean;
  passkeys: number;
  recoveryCodes: number;
}

/** Whether a session may do what is sensitive. */
export interface StepUpState {
  hasFactor: boolean;
  isRecent: boolean;
}

const passkeys = '(select count(*)::int from passkeys as p where p.user_id = $1)';
const hasTotp =
  '(exists (select 1 from totp_secrets as t where t.user_id = $1 and t.confirmed_at is not null))';

export class FactorsRepository {
  constructor(private readonly db: Queryable) {}

  async count(userId: string): Promise<FactorCounts> {
    const { rows } = await this.db.query<FactorCounts>(
      'count_factors',
      `select ${hasTotp} as totp, ${passkeys} as passkeys,
              (select count(*)::int from recovery_codes where user_id = $1 and used_at is null) as "recoveryCodes"`,
      [userId],
    );
    return rows[0] as FactorCounts;
  }

  /** Changes of somebody's factors come one after the other. */
  async lock(userId: string): Promise<void> {
    await this.db.query('lock_factors', 'select 1 from users where id = $1 for no key update', [userId]);
  }

  /** A session that was begun with a second factor is as good as one that has stepped up then. */
  async stepUpState(
    { userId, sessionId }: { userId: string; sessionId: string },
    seconds: number,
  ): Promise<StepUpState> {
    const { rows } = await this.db.query<StepUpState>(
      'read_step_up',
      `select (${hasTotp} or ${passkeys} > 0) as "hasFactor", exists (
                select 1 from sessions where id = $2 and user_id = $1 and greatest(
                  stepped_up_at, case when methods && '{otp,hwk}' then created_at end
                ) > now() - $3 * interval '1 second') as "isRecent"`,
      [userId, sessionId, seconds],
    );
    return rows[0] as StepUpState;
  }

  async stepUp(sessionId: string, seconds: number): Promise<Date | undefined> {
    const { rows } = await this.db.query<{ until: Date }>(
      'step_up',
      `update sessions set stepped_up_at = now() where id = $1 and ended_at is null
       returning stepped_up_at + $2 * interval '1 second' as until`,
      [sessionId, seconds],
    );
    return rows[0]?.until;
  }
}
