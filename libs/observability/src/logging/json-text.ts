/** Quotes, backslashes, control characters and lone halves of surrogate pairs. */
const NEEDS_ESCAPE = /["\\\u0000-\u001f\ud800-\udfff]/;

export function needsEscape(text: string): boolean {
  return NEEDS_ESCAPE.test(text);
}

/** A JSON string with its quotes; the costly way only where something has to be escaped. */
export function jsonString(text: string): string {
  return NEEDS_ESCAPE.test(text) ? JSON.stringify(text) : `"${text}"`;
}

/** The same text in one piece: the engine keeps a text that was put together as a tree of its parts. */
export function flat(text: string): string {
  return Buffer.from(text).toString();
}

const MS_PER_SECOND = 1000;
let second = -1;
let prefix = '';

/** The time as ISO 8601 in UTC. What repeats within one second is kept. */
export function isoTime(now: number): string {
  const nowSecond = Math.floor(now / MS_PER_SECOND);
  if (nowSecond !== second) {
    second = nowSecond;
    prefix = new Date(nowSecond * MS_PER_SECOND).toISOString().slice(0, 20);
  }
  const ms = now - nowSecond * MS_PER_SECOND;
  return `${prefix}${ms < 10 ? '00' : ms < 100 ? '0' : ''}${ms}Z`;
}
