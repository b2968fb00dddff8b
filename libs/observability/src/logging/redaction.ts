const SECRET_KEY =
  /pass(word|wd|phrase)?|pwd|secret|token|authorization|cookie|api[-_]?key|private[-_]?key|otp|verifier|csrf|session|credential|email/i;
const REDACTED = '[redacted]';

/** Removes secrets from free text. */
export function redactText(text: string): string {
  return text
    .replace(/\bBearer\s+[\w.~+/-]+=*/gi, 'Bearer [redacted]')
    .replace(/\beyJ[\w-]+\.[\w-]+\.[\w-]*/g, '[jwt]')
    .replace(/[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}/g, '[email]')
    .replace(/:\/\/[^\s/@:]{0,256}:[^\s/@]{1,256}@/g, '://[redacted]@')
    .replace(/\b((?:access_|refresh_)?token|password|secret|code|otp|key)=[^&\s"']+/gi, '$1=[redacted]');
}

/** Makes a copy of a value that is safe to write: secrets removed, circles cut, depth and size bounded. */
export function redactValue(value: unknown): unknown {
  return walk(value, 0, new Set());
}

function walk(value: unknown, depth: number, seen: Set<object>): unknown {
  if (typeof value === 'string') return redactText(value);
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object' || value === null) return value;
  if (depth > 8 || seen.has(value)) return '[omitted]';
  seen.add(value);
  if (value instanceof Error) return walkError(value, depth, seen);
  if (value instanceof Date) return value;
  if (Array.isArray(value)) return value.slice(0, 100).map((item) => walk(item, depth + 1, seen));
  const copy: Record<string, unknown> = {};
  for (const key of Object.keys(value)) {
    copy[key] = SECRET_KEY.test(key) ? REDACTED : walk(Reflect.get(value, key), depth + 1, seen);
  }
  return copy;
}

function walkError(error: Error, depth: number, seen: Set<object>): unknown {
  const code: unknown = Reflect.get(error, 'code');
  return {
    type: error.name,
    ...(code !== undefined && { code: walk(code, depth + 1, seen) }),
    message: redactText(error.message),
    ...(error.stack !== undefined && { stack: redactText(error.stack) }),
    ...(error.cause !== undefined && { cause: walk(error.cause, depth + 1, seen) }),
  };
}
