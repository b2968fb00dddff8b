import type { Proof, SignInPlace } from './session-starter';
import type { MfaChallenge } from './sign-in.service';

/** Knows who has a second factor, and asks for it. */
export interface SecondFactors {
  /** What has to be answered before there is a session; undefined for whoever has no second factor. */
  challenge(proof: Proof, place: SignInPlace): Promise<MfaChallenge | undefined>;
}
