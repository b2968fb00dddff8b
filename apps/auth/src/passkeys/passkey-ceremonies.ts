import type { PasskeyAssertion } from '@rostrum/contracts';
import {
  generateAuthenticationOptions,
  generateRegistrationOptions,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
  type RegistrationResponseJSON,
} from '@simplewebauthn/server';
import { uuidBytes } from '../secrets/uuid-bytes';
import type { PasskeyRow } from './passkey';

export interface RelyingParty {
  id: string;
  name: string;
  origins: readonly string[];
}

/** EdDSA, ES256 and RS256: what all browsers have. Newer ones are experimental in Node, which says so on each start. */
const algorithms = [-8, -7, -257];

/** The challenge in what a browser answered: it says which ceremony it belongs to. Undefined where there is none. */
export function challengeOf({ response }: { response: { clientDataJSON: string } }): string | undefined {
  try {
    const data: unknown = JSON.parse(Buffer.from(response.clientDataJSON, 'base64url').toString());
    const challenge = (data as { challenge?: unknown } | null)?.challenge;
    return typeof challenge === 'string' ? challenge : undefined;
  } catch {
    return undefined;
  }
}

/** The steps of WebAuthn that need no state: what is asked of browsers, and whether their answers are right. */
export class PasskeyCeremonies {
  constructor(private readonly party: RelyingParty) {}

  registration(user: { userId: string; username: string }, challenge: string, known: readonly PasskeyRow[]) {
    return generateRegistrationOptions({
      rpName: this.party.name,
      rpID: this.party.id,
      userName: user.username,
      userID: new Uint8Array(uuidBytes(user.userId)),
      challenge: bytesOf(challenge),
      excludeCredentials: known.map(descriptorOf),
      supportedAlgorithmIDs: algorithms,
      authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
    });
  }

  /** Rejects, or resolves to undefined, where it is not what was asked for. */
  async registered(response: RegistrationResponseJSON, challenge: string) {
    const { origins, id } = this.party;
    const { verified, registrationInfo } = await verifyRegistrationResponse({
      response,
      expectedChallenge: challenge,
      expectedOrigin: [...origins],
      expectedRPID: id,
      requireUserVerification: true,
      supportedAlgorithmIDs: algorithms,
    });
    return verified ? registrationInfo : undefined;
  }

  /** Without passkeys: whichever the browser has for us. */
  authentication(challenge: string, passkeys: readonly PasskeyRow[] = []) {
    return generateAuthenticationOptions({
      rpID: this.party.id,
      challenge: bytesOf(challenge),
      allowCredentials: passkeys.map(descriptorOf),
      userVerification: 'required',
    });
  }

  /** Undefined where the signature, the page, the challenge or the person's presence is not right. */
  async authenticated(
    response: PasskeyAssertion,
    challenge: string,
    { credentialId, publicKey }: PasskeyRow,
  ) {
    const { origins, id } = this.party;
    try {
      const { verified, authenticationInfo } = await verifyAuthenticationResponse({
        response: response as Parameters<typeof verifyAuthenticationResponse>[0]['response'],
        expectedChallenge: challenge,
        expectedOrigin: [...origins],
        expectedRPID: id,
        // The counter is held against the stored one where it is stored: nothing comes between the two there.
        credential: {
          id: credentialId.toString('base64url'),
          publicKey: new Uint8Array(publicKey),
          counter: 0,
        },
        requireUserVerification: true,
      });
      return verified ? authenticationInfo : undefined;
    } catch {
      return undefined;
    }
  }
}

/** A challenge is the token of the ceremony: the bytes that its text stands for. */
function bytesOf(challenge: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(challenge, 'base64url'));
}

function descriptorOf({ credentialId, transports }: PasskeyRow) {
  return { id: credentialId.toString('base64url'), transports };
}
