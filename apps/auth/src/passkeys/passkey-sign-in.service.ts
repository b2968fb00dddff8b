import type { PasskeyAssertion } from '@rostrum/contracts';
import type { Database } from '@rostrum/data-access';
import { AccountsRepository } from '../accounts/accounts.repository';
import type { AuditLog } from '../audit/audit-log';
import type { BusinessEvents } from '../business-events';
import type { DeviceTokens } from '../sessions/device-tokens';
import type { SessionStarter, SignedIn, SignInPlace } from '../sessions/session-starter';
import type { PasskeyProof } from './passkey-proof';
import { passkeysErrors } from './passkeys.errors';

export interface PasskeySignInDependencies {
  database: Database;
  proof: PasskeyProof;
  sessions: { starter: Pick<SessionStarter, 'start'>; devices: DeviceTokens };
  notes: { audit: Pick<AuditLog, 'recordAlone'>; events: Pick<BusinessEvents, 'signInRefused'> };
}

/** Signs people in by a passkey alone: it is something they have, opened by something they know or are. */
export class PasskeySignInService {
  constructor(private readonly dependencies: PasskeySignInDependencies) {}

  ask() {
    return this.dependencies.proof.ask();
  }

  async signIn(
    { credential, deviceToken }: { credential: PasskeyAssertion; deviceToken?: string | undefined },
    { mode, from }: Pick<SignInPlace, 'mode' | 'from'>,
  ): Promise<SignedIn> {
    const { database, proof, sessions } = this.dependencies;
    const passkey = await proof.take({ kind: 'passkey-sign-in', credential, from });
    const account = passkey && (await new AccountsRepository(database).find(passkey.userId));
    if (!account) throw await this.refused({ mode, from });
    const device = sessions.devices.read(deviceToken);
    return sessions.starter.start({ account, methods: ['hwk', 'mfa'] }, { mode, from, device });
  }

  private async refused({ mode, from }: Pick<SignInPlace, 'mode' | 'from'>) {
    const { audit, events } = this.dependencies.notes;
    events.signInRefused();
    await audit.recordAlone({
      action: 'session.started',
      result: 'refused',
      actor: { kind: 'anonymous' },
      details: { methods: ['hwk'], mode },
      from,
    });
    return passkeysErrors.invalid();
  }
}
