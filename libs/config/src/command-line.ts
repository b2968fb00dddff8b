import { describeConfig, documentConfig } from './describe-config';
import { ConfigError, readConfig, type Environment } from './read-config';
import type { Config, ConfigSpec } from './setting';

export interface ConfigCommand {
  arguments: readonly string[];
  environment: Environment;
  print: (line: string) => void;
}

export type ConfigOutcome<Spec extends ConfigSpec> = { run: Config<Spec> } | { exitCode: number };

/**
 * What every process does first: `--help` documents the settings, `--check` reads them and says what they are,
 * and without either the configuration is read or its problems are told.
 */
export function startFromConfig<Spec extends ConfigSpec>(
  spec: Spec,
  command: ConfigCommand,
): ConfigOutcome<Spec> {
  if (command.arguments.includes('--help')) {
    ['Settings, from the environment (any NAME also as NAME_FILE):', ...documentConfig(spec)].forEach(
      command.print,
    );
    return { exitCode: 0 };
  }
  try {
    const config = readConfig(spec, command.environment);
    if (!command.arguments.includes('--check')) return { run: config };
    [...describeConfig(spec, config), 'The configuration is valid.'].forEach(command.print);
    return { exitCode: 0 };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    command.print(error.message);
    return { exitCode: 1 };
  }
}
