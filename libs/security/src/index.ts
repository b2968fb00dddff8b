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
export { KmsError, type KeyContext, type Kms, type KmsFailure, type WrappedKey } from './kms/kms';
export { parseMasterKeys, type MasterKey, type MasterKeys } from './kms/master-keys';
export { createLocalKms } from './kms/local-kms';
export {
  DataKeys,
  type DataKey,
  type DataKeyStore,
  type DataKeysOptions,
  type StoredDataKey,
} from './kms/data-keys';
export { Envelope, keyIdOf, type Place } from './kms/envelope';
export { bindTexts, decryptBytes, encryptBytes, keyBytes } from './kms/aes-gcm';
