export type { AccessClaims } from './access-claims';
export {
  createAccessTokenSigner,
  type AccessTokenSigner,
  type SignerOptions,
  type TokenSubject,
} from './access-token-signer';
export { localKeySet, remoteKeySet, type KeySet } from './key-sets';
export { createTokenVerifier, type TokenVerifier, type VerifierOptions } from './token-verifier';
export { createCursorCodec, type CursorCodec } from './cursor-codec';
