import { readFileSync } from 'node:fs';
import { isSetting, settingsOf, type Config, type ConfigSpec, type Setting } from './setting';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Everything that is wrong with a configuration, at once. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';

  constructor(readonly problems: readonly string[]) {
    super(
      `The configuration has ${problems.length} problem${problems.length === 1 ? '' : 's'}:\n${problems.map((line) => `  - ${line}`).join('\n')}`,
    );
  }
}

/** Reads and checks the whole configuration; never returns a half-valid one. */
export function readConfig<Spec extends ConfigSpec>(spec: Spec, environment: Environment): Config<Spec> {
  const problems: string[] = [];
  const values: Record<string, unknown> = {};
  for (const [key, setting] of settingsOf(spec)) {
    try {
      values[key] = readSetting(setting, environment);
    } catch (error) {
      problems.push(`${setting.env} ${messageOf(error)} (${setting.doc})`);
    }
  }
  for (const [key, entry] of Object.entries(spec)) {
    if (isSetting(entry) || !entry.from.every((name) => name in values)) continue;
    try {
      values[key] = entry.derive(values);
    } catch (error) {
      problems.push(messageOf(error));
    }
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return Object.freeze(values) as Config<Spec>;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function readSetting(setting: Setting, environment: Environment): unknown {
  const text = readText(setting.env, environment);
  const result = setting.schema.safeParse(text);
  if (result.success) return result.data;
  if (text === undefined) throw new Error('is not set');
  const reasons = result.error.issues.map((issue) => issue.message).join('; ');
  throw new Error(
    setting.secret
      ? `is not valid: ${reasons}`
      : `is ${JSON.stringify(text)}, which is not valid: ${reasons}`,
  );
}

function readText(name: string, environment: Environment): string | undefined {
  const direct = presence(environment[name]);
  const file = presence(environment[`${name}_FILE`]);
  if (file === undefined) return direct;
  if (direct !== undefined) throw new Error(`and ${name}_FILE are both set: keep one`);
  try {
    return presence(readFileSync(file, 'utf8').replace(/\r?\n$/, ''));
  } catch (cause) {
    throw new Error(`cannot be read from ${name}_FILE=${file}: ${(cause as NodeJS.ErrnoException).code}`, {
      cause,
    });
  }
}

/** An empty variable is what shells and compose files make of an unset one. */
function presence(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}
