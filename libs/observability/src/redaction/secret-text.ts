import { redactKeyValues } from './key-value-text';
import { REDACTED } from './secret-keys';

const MAX_TEXT = 32 * 1024;
const CUT_BACK = 4096;

/** Text without any of these cannot hold what is looked for; nearly all text ends here. */
const SUSPICIOUS =
  /[@=:%]|eyJ|bearer|basic|dpop|negotiate|-----BEGIN|gh[pousr]_|github_pat_|glpat-|npm_|[rs]k_(?:live|test)_|xox[abprs]-|A[KS]IA|AIza/i;

/** Small letters, figures, slashes and hyphens alone, as in most paths, make no secret but the tokens of two vendors. */
const PLAIN = /^[a-z0-9/-]*$/;
const PLAIN_TOKEN = /xox|glpat/;

const SCHEME_CREDENTIALS = /\b(Bearer|DPoP|Negotiate)([ \t]{1,8}|%20|\+)[^\s"'<>,;\\]+/gi;
const BASIC_CREDENTIALS = /\b(Basic)([ \t]{1,8}|%20|\+)([\w+/-]{4,}={0,2})/gi;
const JSON_WEB_TOKEN = /eyJ[\w-]{4,}(?:\.[\w-]*){0,4}/g;
const VENDOR_TOKEN =
  /(?:gh[pousr]_|github_pat_|glpat-|npm_|[rs]k_(?:live|test)_|xox[abprs]-|A[KS]IA|AIza)[\w-]{10,}/g;

const PEM_BEGIN = '-----BEGIN ';
const PEM_END = /-----END [^-\r\n]{1,64}-----/g;

/** Keys and certificates, also when the end is missing. */
function redactPem(text: string): string {
  let result = '';
  let copied = 0;
  for (let at = text.indexOf(PEM_BEGIN); at !== -1; at = text.indexOf(PEM_BEGIN, copied)) {
    PEM_END.lastIndex = at;
    const end = PEM_END.exec(text);
    result += `${text.slice(copied, at)}[pem]`;
    copied = end ? PEM_END.lastIndex : text.length;
    if (!end) break;
  }
  return copied === 0 ? text : result + text.slice(copied);
}

/** "Basic rules" is prose: credentials show by figures, inner capitals, padding, or the colon they decode to. */
function redactBasic(text: string): string {
  return text.replace(BASIC_CREDENTIALS, (whole, ...groups: string[]) => {
    const [scheme = '', gap = '', rest = ''] = groups;
    const looksEncoded = /[\d_+/=-]|.[A-Z]/.test(rest) || Buffer.from(rest, 'base64').includes(':');
    return looksEncoded ? scheme + gap + REDACTED : whole;
  });
}

const END_OF_URL = /[\s"'<>`]/;
const END_OF_AUTHORITY = /[/?#\\]/;
const WEB_SCHEME = /(?:^|[^a-z\d+.-])(?:https?|wss?)$/i;

/** How many characters of a URL, counted from its authority, belong to its user part; 0 or less: there is none. */
function userInfoLength(before: string, rest: string): number {
  // A web URL may have an @ in its path. Others (databases, brokers) are often mistyped, with raw signs in the password.
  if (!WEB_SCHEME.test(before)) return rest.lastIndexOf('@');
  return (rest.split(END_OF_AUTHORITY, 1)[0] ?? '').lastIndexOf('@');
}

function redactUserInfo(text: string): string {
  let result = '';
  let copied = 0;
  let next = text.indexOf('://');
  while (next !== -1) {
    const start = next + 3;
    next = text.indexOf('://', start);
    const segment = text.slice(start, next === -1 ? text.length : next);
    const rest = segment.split(END_OF_URL, 1)[0] ?? '';
    const length = userInfoLength(text.slice(Math.max(0, start - 12), start - 3), rest);
    if (length <= 0) continue;
    result += text.slice(copied, start) + REDACTED;
    copied = start + length;
  }
  return copied === 0 ? text : result + text.slice(copied);
}

const AT_SIGN = /@|%40/g;
const LOCAL_END = /[\s<>()[\]{},;:"`=&?/\\|@]/;
const DOMAIN = /^[\p{L}\p{N}-]{1,63}(?:\.[\p{L}\p{N}-]{1,63}){1,8}/u;
const DOMAIN_MAX = 255;

function startOfLocal(text: string, at: number, floor: number): number {
  let start = at;
  while (start > floor && !LOCAL_END.test(text.charAt(start - 1))) start--;
  while (text.charAt(start) === "'") start++; // within it is part of a name (o'brien), at its start a quote
  return start;
}

/** Addresses, also with an encoded @. A version as in `express@5.3.0` is none: its last part has no letter. */
function redactEmails(text: string): string {
  let result = '';
  let copied = 0;
  AT_SIGN.lastIndex = 0;
  for (let match = AT_SIGN.exec(text); match !== null; match = AT_SIGN.exec(text)) {
    const after = match.index + match[0].length;
    const domain = DOMAIN.exec(text.slice(after, after + DOMAIN_MAX))?.[0];
    if (domain === undefined || !/\p{L}/u.test(domain.slice(domain.lastIndexOf('.')))) continue;
    const start = startOfLocal(text, match.index, copied);
    if (start >= match.index) continue;
    result += `${text.slice(copied, start)}[email]`;
    copied = after + domain.length;
    AT_SIGN.lastIndex = copied;
  }
  return copied === 0 ? text : result + text.slice(copied);
}

/** Cuts overlong text where no secret is cut in two: what is left of half a secret would not be recognised. */
function bound(text: string): string {
  if (text.length <= MAX_TEXT) return text;
  const tail = text.slice(MAX_TEXT - CUT_BACK, MAX_TEXT);
  const blank = Math.max(tail.lastIndexOf(' '), tail.lastIndexOf('\n'));
  const end = MAX_TEXT - CUT_BACK + Math.max(blank, 0);
  return `${text.slice(0, end)} [${text.length - end} more characters]`;
}

/** Whether there is neither a secret in the text nor anything that JSON would escape: quick to tell. */
export function isPlain(text: string): boolean {
  return PLAIN.test(text) && !PLAIN_TOKEN.test(text);
}

/**
 * Removes secrets from text: credentials in headers and URLs, tokens, keys, cookies, `name=value` pairs with a secret
 * name, and e-mail addresses. Every step takes linear time, so that hostile text costs no more than its length.
 */
export function redactText(text: string): string {
  if (!SUSPICIOUS.test(text)) return bound(text);
  let result = redactPem(bound(text));
  if (result.includes('://')) result = redactUserInfo(result);
  result = result
    .replace(JSON_WEB_TOKEN, '[jwt]')
    .replace(SCHEME_CREDENTIALS, `$1$2${REDACTED}`)
    .replace(VENDOR_TOKEN, REDACTED);
  return redactEmails(redactKeyValues(redactBasic(result)));
}
