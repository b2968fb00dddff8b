import { createHmac } from 'node:crypto';
import type { AccessTokenSigner } from '@rostrum/security';
import type { SigningKeys } from '../keys/signing-keys';
import type { DerivedKey, Keyring } from '../secrets/keyring';
import type { RefreshedSession } from './session';

export type SessionTokenSubject = Pick<
  RefreshedSession,
  'sessionId' | 'userId' | 'username' | 'roles' | 'mode' | 'revokedUpTo' | 'revokedKeys'
>;

export interface AccessTokens {
  accessToken: string;
  /** In cookie mode. */
  csrfToken: string | undefined;
}

/** Makes what a session gives its client besides the refresh token. */
export class SessionTokens {
  private readonly csrfKeys: readonly DerivedKey[];

  constructor(
    private readonly signer: Pick<AccessTokenSigner, 'sign' | 'ttlSeconds'>,
    private readonly signingKeys: Pick<SigningKeys, 'heed'>,
    keyring: Keyring,
  ) {
    this.csrfKeys = keyring.keysFor('csrf token').all;
  }

  get ttlSeconds(): number {
    return this.signer.ttlSeconds;
  }

  async accessTokenFor(subject: SessionTokenSubject): Promise<AccessTokens> {
    const { mode, revokedKeys, ...holder } = subject;
    const news = this.signingKeys.heed(revokedKeys);
    if (news) await news;
    const csrf = mode === 'cookie' ? this.csrfTokens(holder.sessionId)[0] : undefined;
    const accessToken = await this.signer.sign({ ...holder, csrf });
    return { accessToken, csrfToken: csrf };
  }

  /** The CSRF tokens that a session may have, under each of our keys: the same as long as it lasts. */
  csrfTokens(sessionId: string): string[] {
    return this.csrfKeys.map(({ key }) => createHmac('sha256', key).update(sessionId).digest('base64url'));
  }
}
