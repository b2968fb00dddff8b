export * from './formats';
export { network } from './networks';
export { derived, setting, type Config, type ConfigSpec, type Derived, type Setting } from './setting';
export { ConfigError, readConfig, type Environment } from './read-config';
export { describeConfig, documentConfig } from './describe-config';
export { startFromConfig, type ConfigCommand, type ConfigOutcome } from './command-line';
export * from './settings';
export * from './redis-settings';
export * from './rate-limit-settings';
