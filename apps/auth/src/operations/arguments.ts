import { parseArgs, type ParseArgsOptionsConfig } from 'node:util';

/** What was typed cannot be understood; the message says what could be. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Keys are called by a hash, and one in 64 begins as options do. */
const isKeyId = (text: string) => /^-[\w-]{42}$/.test(text);

/** One that follows an option is its value; others come last, where nothing is an option any more. */
function withKeysApart(args: readonly string[], options: ParseArgsOptionsConfig): string[] {
  const [others, keys]: [string[], string[]] = [[], []];
  for (const text of args) {
    const before = others.at(-1) ?? '';
    if (!isKeyId(text)) others.push(text);
    else if (options[before.replace(/^--/, '')]?.type === 'string') others.splice(-1, 1, `${before}=${text}`);
    else keys.push(text);
  }
  return [...others, '--', ...keys];
}

/** The words and options of a command, or a `UsageError`. */
export function readArguments<const Options extends ParseArgsOptionsConfig>(
  args: readonly string[],
  words: readonly string[],
  options: Options,
) {
  try {
    const { positionals, values } = parseArgs({
      args: withKeysApart(args, options),
      options,
      allowPositionals: true,
      strict: true,
    });
    if (positionals.length !== words.length)
      throw new Error(`it takes ${words.length ? words.join(' ') : 'no words'}`);
    return { words: positionals, options: values };
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

const units = { d: 86_400_000, h: 3_600_000, m: 60_000 } as const;

/** `400d`, `12h` or `30m`, in milliseconds. */
export function readDuration(text: string): number {
  const [, count, unit] = /^(\d{1,6})([dhm])$/.exec(text) ?? [];
  if (count === undefined) throw new UsageError(`"${text}" is not a time such as 400d, 12h or 30m`);
  return Number(count) * units[unit as keyof typeof units];
}
