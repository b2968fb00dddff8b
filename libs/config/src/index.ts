export * from './formats';
export { setting, type Config, type ConfigSpec, type Setting } from './setting';
export { ConfigError, readConfig, type Environment } from './read-config';
export { describeConfig, documentConfig } from './describe-config';
export { startFromConfig, type ConfigCommand, type ConfigOutcome } from './command-line';
export * from './settings';
