/** What replaces a secret. */
export const REDACTED = '[redacted]';

/** A name that contains one of these, in any casing and with any separators, names a secret. */
const FRAGMENTS = [
  ...['password', 'passwd', 'passphrase', 'passcode', 'secret', 'token', 'bearer', 'credential', 'verifier'],
  ...['authorization', 'cookie', 'session', 'csrf', 'xsrf', 'signature'],
  ...['apikey', 'accesskey', 'privatekey', 'signingkey', 'encryptionkey', 'masterkey', 'sharedkey'],
  ...['onetimecode', 'recoverycode', 'backupcode', 'verificationcode', 'resetcode', 'magiclink'],
  ...['email', 'cardnumber', 'creditcard'],
];

/** These are too short to be looked for inside other words: a whole word of the name has to be one. */
const WORDS = new Set(
  'pass pwd pw otp totp hotp jwt sid sig salt pepper cvv cvc ssn phone mail creds'.split(' '),
);

/** A number under a name like `token_count` measures something; it is not the secret. */
const MEASURES = new Set(
  'count total ttl seconds secs ms size length bytes age limit max min expires expiry exp iat at in version per ratio'.split(
    ' ',
  ),
);

const MAX_KEY = 128;
const MEMORY = 4096;
const verdicts = new Map<string, boolean>();

function wordsOf(key: string): string[] {
  return key
    .replace(/([a-z\d])([A-Z])/g, '$1 $2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z\d]+/);
}

function judge(key: string): boolean {
  const plain = key.toLowerCase().replace(/[^a-z\d]/g, '');
  if (FRAGMENTS.some((fragment) => plain.includes(fragment))) return true;
  if (plain.endsWith('pass') && !plain.endsWith('bypass') && !plain.endsWith('compass')) return true;
  return wordsOf(key).some((word) => WORDS.has(word));
}

/** Whether the name of a field, header, parameter or variable says that its value is a secret. */
export function isSecretKey(key: string): boolean {
  const name = key.length > MAX_KEY ? key.slice(-MAX_KEY) : key;
  let verdict = verdicts.get(name);
  if (verdict === undefined) {
    verdict = judge(name);
    if (verdicts.size >= MEMORY) verdicts.clear();
    verdicts.set(name, verdict);
  }
  return verdict;
}

/** Whether a value under a secret name has to go: flags and measures may stay. */
export function isSecretUnder(key: string, value: unknown): boolean {
  if (value === null || value === undefined || typeof value === 'boolean') return false;
  if (typeof value === 'number') return !MEASURES.has(wordsOf(key).at(-1) ?? '');
  return true;
}

const SECRET_HEADERS = new Set(
  'authorization proxy-authorization cookie set-cookie x-api-key x-auth-token x-csrf-token x-xsrf-token'.split(
    ' ',
  ),
);

/** Whether a text is the name of a header whose value is a secret, as in Node's flat `rawHeaders`. */
export function isSecretHeader(name: string): boolean {
  return name.length <= 20 && SECRET_HEADERS.has(name.toLowerCase());
}
