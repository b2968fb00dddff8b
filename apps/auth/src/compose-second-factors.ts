import type { Config } from '@rostrum/config';
import type { Database } from '@rostrum/data-access';
import type { RouteBinder } from '@rostrum/service-kit';
import type { AttemptGuard } from './attempts/attempt-guard';
import type { AuditLog } from './audit/audit-log';
import type { UserKeys } from './keys/user-keys';
import type { MailJobs } from './mail/mail-jobs';
import { FactorQuestions } from './mfa/factor-questions';
import type { mfaSettings } from './mfa/mfa-settings';
import { MfaSignInService } from './mfa/mfa-sign-in.service';
import { mfaRoutes } from './mfa/mfa.routes';
import { MfaService } from './mfa/mfa.service';
import { OwnerProof } from './mfa/owner-proof';
import { RecoveryCodes } from './mfa/recovery-codes';
import { SecondFactorProof } from './mfa/second-factor-proof';
import { RecentFactor, StepUpService } from './mfa/step-up.service';
import { TotpSecrets } from './mfa/totp-secrets';
import type { PasswordProof } from './passwords/password-proof';
import { KeyedIndex } from './secrets/keyed-index';
import type { Keyring } from './secrets/keyring';
import type { SessionStarter } from './sessions/session-starter';

export interface SecondFactorSurroundings {
  database: Database;
  userKeys: UserKeys;
  keyring: Keyring;
  passwords: { guard: AttemptGuard; proof: PasswordProof };
  effects: { audit: AuditLog; mail: MailJobs };
}

/** What people show besides their password, and whether they have shown it lately. */
export function composeSecondFactors(
  config: Config<typeof mfaSettings>,
  surroundings: SecondFactorSurroundings,
) {
  const { database, userKeys, keyring, passwords, effects } = surroundings;
  const { guard } = passwords;
  const factors = {
    totp: new TotpSecrets(database, userKeys),
    recovery: new RecoveryCodes(new KeyedIndex(keyring, 'recovery code')),
  };
  const shown = new SecondFactorProof({ database, factors, guard, effects });
  const stepUp = new StepUpService(database, shown);
  const recent = new RecentFactor(database);
  const proof = new OwnerProof({ password: passwords.proof, factor: shown, recent });
  const service = new MfaService({ database, factors, proof, guard, effects });
  return {
    questions: new FactorQuestions(database),
    recent,
    routes: (binder: RouteBinder, starter: SessionStarter) => {
      const signIn = new MfaSignInService({ database, proof: shown, starter });
      mfaRoutes(binder, { signIn, factors: service, stepUp, issuer: config.mfaIssuer });
    },
  };
}
