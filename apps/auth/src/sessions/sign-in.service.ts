import type { AccountWithPassword, SignInAccount } from '../accounts/account';
import type { SignInAccounts } from '../accounts/sign-in-accounts';
import type { AttemptGuard } from '../attempts/attempt-guard';
import type { AuditLog } from '../audit/audit-log';
import type { BackgroundTasks } from '../background-tasks';
import type { BusinessEvents } from '../business-events';
import { EvenTime } from '../even-times';
import type { PasswordHasher, PasswordMatch } from '../passwords/password-hasher';
import type { PasswordRenewal } from '../passwords/password-renewal';
import type { KeyedIndex } from '../secrets/keyed-index';
import type { DeviceTokens } from './device-tokens';
import type { SecondFactors } from './second-factors';
import type { SessionStarter, SignedIn, SignInPlace } from './session-starter';
import { sessionsErrors } from './sessions.errors';

export interface SignInDependencies {
  accounts: {
    find: Pick<SignInAccounts, 'findByEmail' | 'findByUsername'>;
    index: KeyedIndex;
  };
  passwords: { hasher: Pick<PasswordHasher, 'verify'>; renewal: Pick<PasswordRenewal, 'renew'> };
  guard: Pick<AttemptGuard, 'begin'>;
  sessions: { starter: SessionStarter; devices: DeviceTokens; secondFactors: SecondFactors };
  notes: {
    audit: Pick<AuditLog, 'recordAlone'>;
    events: Pick<BusinessEvents, 'signInRefused'>;
    background: BackgroundTasks;
  };
}

/** What a person proves who they are with. */
export interface Credentials {
  /** Their address or their username. */
  identifier: string;
  password: string;
  deviceToken?: string | undefined;
}

export interface SignInRequest extends Omit<SignInPlace, 'device'> {
  signal: AbortSignal;
}

/** Another proof is wanted first; the token says that the password was right. */
export interface MfaChallenge {
  mfaToken: string;
  methods: readonly string[];
}

/**
 * Signs people in by password. Every refusal is the same and takes the same work, whether or not there is such an
 * account: the same look-ups and one hash. It leaves at an even time, and whatever is written of it is written apart.
 */
export class SignInService {
  constructor(private readonly dependencies: SignInDependencies) {}

  async signIn(credentials: Credentials, request: SignInRequest): Promise<SignedIn | MfaChallenge> {
    const { guard, sessions, passwords } = this.dependencies;
    const { identifier, password, deviceToken } = credentials;
    const { signal, ...place } = request;
    const time = new EvenTime();
    const claimants = await this.find(identifier);
    const device = sessions.devices.read(deviceToken);
    const isTheirs = device && claimants.some(({ account }) => account.id === device.userId);
    const attempt = await guard.begin({
      name: identifier,
      address: place.from.address,
      device: isTheirs ? device.id : undefined,
    });
    let match: PasswordMatch | undefined;
    try {
      match = await passwords.hasher.verify(password, claimants.map(passwordOf), signal);
    } catch (error) {
      // Nobody has looked at the password: it counts as nothing.
      await attempt.end('abandoned');
      throw error;
    }
    const found = match && claimants[match.index];
    if (!match || !found) {
      await attempt.end('failed');
      this.noteRefusal(claimants[0], place);
      await time.next();
      throw sessionsErrors.invalidCredentials();
    }
    // A failure must be known before anybody can try again; that there was none is nothing to wait for.
    void attempt.end('succeeded');
    if (match.isStale) this.renewLater(found, password);
    const proof = { account: found.account, methods: ['pwd'], ...found.facts };
    const challenge = await sessions.secondFactors.challenge(proof, { ...place, device });
    return challenge ?? sessions.starter.start(proof, { ...place, device });
  }

  /** No username has an @ in it. Of an address there may be several who claim it. */
  private find(identifier: string): Promise<SignInAccount[]> {
    const { find, index } = this.dependencies.accounts;
    if (!identifier.includes('@')) return find.findByUsername(identifier);
    return find.findByEmail({ email: identifier, indexes: index.all(identifier) });
  }

  private noteRefusal(
    claimant: AccountWithPassword | undefined,
    { from, mode }: Omit<SignInPlace, 'device'>,
  ): void {
    const { audit, events, background } = this.dependencies.notes;
    events.signInRefused();
    background.run(() =>
      audit.recordAlone({
        action: 'session.started',
        result: 'refused',
        actor: { kind: 'anonymous' },
        subjectId: claimant?.account.id,
        details: { methods: ['pwd'], mode },
        from,
      }),
    );
  }

  private renewLater({ account, password: stored }: AccountWithPassword, password: string): void {
    const { passwords, notes } = this.dependencies;
    notes.background.run(() => passwords.renewal.renew(account.id, { stored, password }));
  }
}

function passwordOf({ password }: AccountWithPassword) {
  return password;
}
