import type { Config } from '@rostrum/config';
import type { Database } from '@rostrum/data-access';
import type { RouteBinder } from '@rostrum/service-kit';
import type { AttemptGuard } from './attempts/attempt-guard';
import type { AuditLog } from './audit/audit-log';
import type { BusinessEvents } from './business-events';
import type { UserKeys } from './keys/user-keys';
import type { MailJobs } from './mail/mail-jobs';
import { FactorChanges } from './mfa/factor-changes';
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
import { PasskeyCeremonies } from './passkeys/passkey-ceremonies';
import { PasskeyProof } from './passkeys/passkey-proof';
import type { passkeySettings } from './passkeys/passkey-settings';
import { PasskeySignInService } from './passkeys/passkey-sign-in.service';
import { passkeysRoutes } from './passkeys/passkeys.routes';
import { PasskeysService } from './passkeys/passkeys.service';
import type { PasswordProof } from './passwords/password-proof';
import { KeyedIndex } from './secrets/keyed-index';
import type { Keyring } from './secrets/keyring';
import type { DeviceTokens } from './sessions/device-tokens';
import type { SessionStarter } from './sessions/session-starter';

type FactorsConfig = Config<typeof mfaSettings & typeof passkeySettings>;

export interface SecondFactorSurroundings {
  database: Database;
  userKeys: UserKeys;
  keyring: Keyring;
  passwords: { guard: AttemptGuard; proof: PasswordProof };
  effects: { audit: AuditLog; mail: MailJobs; events: BusinessEvents };
}

/** What people show besides their password, or in place of it, and whether they have shown it lately. */
export function composeSecondFactors(config: FactorsConfig, surroundings: SecondFactorSurroundings) {
  const { database, userKeys, keyring, passwords, effects } = surroundings;
  const { guard } = passwords;
  const ceremonies = new PasskeyCeremonies({
    id: config.webauthnRpId,
    name: config.mfaIssuer,
    origins: config.webauthnOrigins,
  });
  const factors = {
    totp: new TotpSecrets(database, userKeys),
    recovery: new RecoveryCodes(new KeyedIndex(keyring, 'recovery code')),
    passkeys: new PasskeyProof({ database, ceremonies, effects }),
  };
  const shown = new SecondFactorProof({ database, factors, guard, effects });
  const proof = new OwnerProof({ password: passwords.proof, factor: shown });
  const recent = new RecentFactor(database);
  const changes = new FactorChanges(factors.recovery, effects);
  const passkeys = new PasskeysService({ database, ceremonies, proof, recent, changes });
  const questions = new FactorQuestions(database);
  return {
    questions,
    owner: { proof, recent, changes },
    routes: (binder: RouteBinder, sessions: { starter: SessionStarter; devices: DeviceTokens }) => {
      const signIn = new MfaSignInService({
        database,
        proof: shown,
        passkeys: factors.passkeys,
        starter: sessions.starter,
      });
      mfaRoutes(binder, {
        signIn,
        factors: new MfaService({ database, factors, proof, guard, changes }),
        stepUp: new StepUpService(database, shown),
        issuer: config.mfaIssuer,
      });
      const alone = { database, proof: factors.passkeys, sessions, notes: effects };
      passkeysRoutes(binder, {
        passkeys,
        proof: factors.passkeys,
        signIn: new PasskeySignInService(alone),
        mfa: signIn,
      });
    },
  };
}
