import type { TokenSigner } from '@rostrum/security';
import type { AccountWithPassword } from '../accounts/account';
import type { AccountsRepository } from '../accounts/accounts.repository';
import type { BusinessEvents } from '../business-events';
import type { PasswordHasher } from '../passwords/password-hasher';
import { newSession, type Credentials, type SignedIn } from './session';
import { sessionsErrors } from './sessions.errors';
import type { SessionsRepository } from './sessions.repository';

export interface SessionsDependencies {
  accounts: Pick<AccountsRepository, 'findByEmail' | 'findByUsername'>;
  sessions: SessionsRepository;
  passwords: Pick<PasswordHasher, 'verify'>;
  signer: TokenSigner;
  events: Pick<BusinessEvents, 'userSignedIn' | 'signInRefused'>;
}

export class SessionsService {
  constructor(
    private readonly dependencies: SessionsDependencies,
    private readonly sessionTtlSeconds: number,
  ) {}

  /** Every refusal is the same, and takes the same work, whether or not there is such an account. */
  async signIn({ identifier, password }: Credentials, signal: AbortSignal): Promise<SignedIn> {
    const { passwords, sessions, signer, events } = this.dependencies;
    const found = await this.find(identifier);
    const proven = await passwords.verify(password, found?.passwordHash, signal);
    if (!found || !proven) {
      events.signInRefused();
      throw sessionsErrors.invalidCredentials();
    }
    const { account } = found;
    const session = newSession(account.id, this.sessionTtlSeconds);
    await sessions.insert(session);
    const accessToken = await signer.sign({
      userId: account.id,
      sessionId: session.id,
      username: account.username,
      roles: account.roles,
    });
    events.userSignedIn(account.id);
    return { account, accessToken, expiresIn: signer.ttlSeconds };
  }

  /** No username has an @ in it. */
  private find(identifier: string): Promise<AccountWithPassword | undefined> {
    const { accounts } = this.dependencies;
    return identifier.includes('@') ? accounts.findByEmail(identifier) : accounts.findByUsername(identifier);
  }
}
