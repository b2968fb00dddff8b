import { hostname, userInfo } from 'node:os';
import { startFromConfig, type Config, type Environment } from '@rostrum/config';
import { createDatabase, type Database } from '@rostrum/data-access';
import { isAppError } from '@rostrum/errors';
import { RevocationList } from '@rostrum/security';
import { composeAdmin } from '../compose-admin';
import { composeKeyCare } from '../compose-keys';
import type { operateSettings } from '../config';
import { SessionEndings } from '../sessions/session-endings';
import { adminOperations, adminUsage } from './admin-operations';
import { UsageError } from './arguments';
import { auditOperations, auditUsage } from './audit-operations';
import { keysOperations, keysUsage } from './keys-operations';
import type { Operation, OperationContext } from './operation';

export const usage = `Usage: operate <keys|audit|admin> <command>\n\n${keysUsage}\n\n${auditUsage}\n\n${adminUsage}`;

const operations: Record<string, Record<string, Operation>> = {
  keys: keysOperations,
  audit: auditOperations,
  admin: adminOperations,
};

export interface OperationProcess {
  spec: typeof operateSettings;
  environment: Environment;
  args: readonly string[];
  write: (line: string) => void;
}

/** What an operator does with auth from a shell, beside the service. Resolves to the exit code. */
export async function runOperation({ spec, environment, args, write }: OperationProcess): Promise<number> {
  const [group = '', name = '', ...rest] = args;
  if (args.length === 0 || args.includes('--help')) {
    write(usage);
    return args.length === 0 ? 64 : 0;
  }
  const operation =
    Object.hasOwn(operations, group) &&
    Object.hasOwn(operations[group] ?? {}, name) &&
    operations[group]?.[name];
  if (!operation) {
    write(`operate does not know "${args.join(' ')}"; see --help`);
    return 64;
  }
  const outcome = startFromConfig(spec, { arguments: [], environment, print: write });
  if ('exitCode' in outcome) return outcome.exitCode;
  return withContext(outcome.run, write, (context) => say(() => operation(rest, context), write));
}

async function say(operate: () => Promise<number>, write: (line: string) => void): Promise<number> {
  try {
    return await operate();
  } catch (error) {
    if (error instanceof UsageError) write(`That cannot be done so: ${error.message}; see --help`);
    else if (isAppError(error)) write(`${error.code}: ${story(error)}`);
    else write(`It failed: ${story(error)}`);
    return error instanceof UsageError ? 64 : 1;
  }
}

function story(error: unknown): string {
  const { message, cause } = error as Error;
  return cause instanceof Error ? `${message} (${cause.message})` : String(message);
}

async function withContext(
  config: Config<typeof operateSettings>,
  write: (line: string) => void,
  use: (context: OperationContext) => Promise<number>,
): Promise<number> {
  const open = (url: string) =>
    createDatabase({ url, tls: config.databaseTls, max: 2, applicationName: 'rostrum auth operate' });
  const database = open(config.databaseUrl);
  const owner = config.databaseMigrationUrl === undefined ? undefined : open(config.databaseMigrationUrl);
  try {
    return await use({ ...compose(config, database, write), owner, write });
  } finally {
    await database.close();
    await owner?.close();
  }
}

function compose(config: Config<typeof operateSettings>, database: Database, write: (line: string) => void) {
  // Running processes learn of what is revoked from the database.
  const surroundings = { database, list: new RevocationList(), onRevoked: () => undefined };
  const keys = composeKeyCare({ logger: { warn: write } }, config, surroundings);
  const { audit, revocations } = keys;
  const endings = new SessionEndings({ audit, revocations, events: { sessionsEnded: () => undefined } });
  const admin = composeAdmin(config, { database, keys, endings, forget: () => Promise.resolve() });
  const operator = { actor: { kind: 'operator' as const, name: `${userInfo().username}@${hostname()}` } };
  return { database, keys, admin, operator };
}
