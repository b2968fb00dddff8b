/** From loudest to quietest; winston compares the numbers. */
export const logLevels = { fatal: 0, error: 1, warn: 2, info: 3, debug: 4 } as const;

export type LogLevel = keyof typeof logLevels;

export const logLevelNames = Object.keys(logLevels) as LogLevel[];

/** Whether a text (from the environment, or an operator) names a level. */
export function isLogLevel(name: unknown): name is LogLevel {
  return typeof name === 'string' && Object.hasOwn(logLevels, name);
}
