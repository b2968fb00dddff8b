import { isSecretKey, REDACTED } from './secret-keys';

/** `=`, `=>` and `:`, plain or as they look inside an encoded URL. */
const SEPARATOR = /=>?|:|%3[ad]/gi;
const KEY_MAX = 64;
const HARMLESS = /^(?:null|undefined|true|false|none|\$\d{1,3}|\?|\[redacted\]|\[email\]|\[jwt\])$/;
const SOURCE_FILE = /\.(?:[cm]?[jt]sx?|json|sql)$/i;
const QUOTES = `"'\``;
const CLOSERS: Record<string, string> = { '(': ')', '[': ']', '{': '}' };
const END_OF_WORD = /[\s&;,"'<>)\]}|]|%26/g;
const END_OF_LINE = /[\r\n]/g;

interface Range {
  start: number;
  end: number;
}

function isKeyCharacter(code: number): boolean {
  if (code >= 97) return code <= 122 || code > 127; // a-z, and letters beyond ASCII
  if (code >= 65) return code <= 90 || code === 95; // A-Z _
  if (code >= 48) return code <= 57; // 0-9
  return code === 45 || code === 46 || code === 37 || code === 36; // - . % $
}

function backOverWord(text: string, end: number, floor: number): number {
  const lowest = Math.max(floor, end - KEY_MAX);
  let start = end;
  while (start > lowest && isKeyCharacter(text.charCodeAt(start - 1))) start--;
  return start;
}

function backOver(text: string, from: Range, characters: string): number {
  let end = from.end;
  while (end > from.start && characters.includes(text.charAt(end - 1))) end--;
  return end;
}

/** The name before a separator: behind blanks, quotes and brackets, not further back than `floor`. */
function keyBefore(text: string, separator: number, floor: number): string {
  const blanks = backOver(text, { start: Math.max(floor, separator - 3), end: separator }, ' \t');
  const end = backOver(text, { start: Math.max(floor, blanks - 6), end: blanks }, `${QUOTES}\\)]}`);
  const start = backOverWord(text, end, floor);
  const word = text.slice(start, end);
  if (word.toLowerCase() !== 'key') return word;
  // "API key: …" is written with a blank in prose.
  const before = backOver(text, { start: Math.max(floor, start - 2), end: start }, ' ');
  return text.slice(backOverWord(text, before, floor), before) + word;
}

function decodeKey(key: string): string {
  if (!key.includes('%')) return key;
  try {
    return decodeURIComponent(key);
  } catch {
    return key;
  }
}

/** Names of files in a stack and of error classes often contain such words; what follows them is no secret. */
function namesSecret(key: string): boolean {
  if (SOURCE_FILE.test(key) || key.endsWith('Error') || key.endsWith('Exception')) return false;
  return isSecretKey(decodeKey(key));
}

function findEnd(text: string, from: number, pattern: RegExp): number {
  pattern.lastIndex = from;
  return pattern.exec(text)?.index ?? text.length;
}

/** The end of a quoted value whose opening quote, with `depth` backslashes before it, ends at `from`. */
function closingQuote(text: string, from: number, depth: number): number {
  const quote = text.charAt(from - 1);
  for (let at = text.indexOf(quote, from); at !== -1; at = text.indexOf(quote, at + 1)) {
    let slashes = 0;
    while (at - slashes > from && text.charAt(at - slashes - 1) === '\\') slashes++;
    if (slashes <= depth) return at - slashes;
  }
  return text.length;
}

function closingBracket(text: string, open: number): number {
  const opener = text.charAt(open);
  const closer = CLOSERS[opener];
  let depth = 0;
  for (let at = open; at < text.length; at++) {
    const character = text.charAt(at);
    if (character === opener) depth++;
    else if (character === closer && --depth === 0) return at + 1;
  }
  return text.length;
}

function valueAfter(text: string, from: number, key: string): Range {
  let start = from;
  while (start < from + 3 && (text.charAt(start) === ' ' || text.charAt(start) === '\t')) start++;
  let quoteAt = start;
  while (text.charAt(quoteAt) === '\\') quoteAt++;
  if (quoteAt < text.length && QUOTES.includes(text.charAt(quoteAt)))
    return { start: quoteAt + 1, end: closingQuote(text, quoteAt + 1, quoteAt - start) };
  if (text.charAt(start) in CLOSERS) return { start, end: closingBracket(text, start) };
  const wholeLine = /cookie|authorization/i.test(key);
  return { start, end: findEnd(text, start, wholeLine ? END_OF_LINE : END_OF_WORD) };
}

/**
 * Blanks the values of secret names in free text, queries, header dumps, JSON (also escaped) and inspected objects.
 * It looks at each separator once, a bounded way back and, for a secret, forward to where it goes on: linear time.
 */
export function redactKeyValues(text: string): string {
  let result = '';
  let copied = 0;
  SEPARATOR.lastIndex = 0;
  for (let match = SEPARATOR.exec(text); match !== null; match = SEPARATOR.exec(text)) {
    const after = match.index + match[0].length;
    const key = keyBefore(text, match.index, copied);
    if (key === '' || !namesSecret(key)) continue;
    const value = valueAfter(text, after, key);
    if (
      value.end > value.start &&
      !HARMLESS.test(text.slice(value.start, Math.min(value.end, value.start + 12)))
    ) {
      result += text.slice(copied, value.start) + REDACTED;
      copied = value.end;
    }
    SEPARATOR.lastIndex = Math.max(after, value.end);
  }
  return copied === 0 ? text : result + text.slice(copied);
}
