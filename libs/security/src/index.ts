export type { AccessClaims } from './access-claims';
export {
  createAccessTokenSigner,
  createSigningKey,
  createTokenSigner,
  type AccessTokenSigner,
  type SignerOptions,
  type SigningKey,
  type TokenSigner,
  type TokenSignerOptions,
  type TokenSubject,
} from './access-token-signer';
export { localKeySet, remoteKeySet, type KeySet, type RemoteKeySet } from './key-sets';
export type { RemoteKeysOptions } from './remote-keys';
export { createTokenVerifier, type TokenVerifier, type VerifierOptions } from './token-verifier';
export { createCursorCodec, type CursorCodec } from './cursor-codec';
export { KmsError, type KeyContext, type Kms, type KmsFailure, type WrappedKey } from './kms/kms';
export { parseMasterKeys, type MasterKey, type MasterKeys } from './kms/master-keys';
export { createLocalKms } from './kms/local-kms';
export { createAwsKms, type AwsKmsOptions } from './kms/aws-kms';
export { createVaultKms, type VaultKmsOptions } from './kms/vault-kms';
export {
  DataKeys,
  type DataKey,
  type DataKeyStore,
  type DataKeysOptions,
  type StoredDataKey,
} from './kms/data-keys';
export { Envelope, keyIdOf, type Place } from './kms/envelope';
export { bindTexts, decryptBytes, encryptBytes, keyBytes } from './kms/aes-gcm';
export {
  RevocationList,
  type RevocableToken,
  type Revocation,
  type RevocationListOptions,
} from './revocations/revocation-list';
export { isPermission, isRole, mayDo, permissions, roles, type Permission, type Role } from './rbac/policy';
