/** What a mail says of each change of what somebody signs in with. */
const changes: Readonly<Record<string, string>> = {
  'totp-added': 'signing in asks for a code of your authenticator app from now on.',
  'totp-removed': 'signing in asks for no code of an authenticator app any more.',
  'recovery-codes-renewed': 'there are new recovery codes, and all earlier ones are void.',
  'recovery-code-used': 'a recovery code has been used. It is void now; make new ones before none is left.',
  'identity-linked': 'an identity provider is linked to your account, and signs you in.',
  'identity-unlinked': 'an identity provider is no longer linked to your account.',
  'passkey-added': 'there is a new passkey that you can sign in with.',
  'passkey-removed': 'one of your passkeys has been removed.',
  'passkey-copied':
    'somebody wanted to sign in with a copy of one of your passkeys, and was refused. Remove the passkey, and look after the device that it is on.',
};

export function signInChange(change = ''): string {
  return changes[change] ?? 'something about how you sign in has changed.';
}
