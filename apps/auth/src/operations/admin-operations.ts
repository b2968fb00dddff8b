import type { Transaction } from '@rostrum/data-access';
import { adminErrors } from '../admin/admin.errors';
import type { Commit, GrantedRole } from '../admin/users.service';
import { UsersRepository, type UserRow } from '../admin/users.repository';
import { readArguments, UsageError } from './arguments';
import { table, type Operation, type OperationContext } from './operation';

export const adminUsage = `admin list                         moderators and admins
admin grant <user> <role>          makes somebody a moderator or an admin; the first admin is made like this
admin take <user> <role>           the reverse; the last admin stays one
admin suspend <user> --reason <text>
admin restore <user>
admin end-sessions <user>

A user is a username or an id.`;

const list: Operation = async (args, { database, write }) => {
  readArguments(args, [], {});
  const users = await new UsersRepository(database).withMoreRoles();
  table([
    ['id', 'username', 'roles'],
    ...users.map(({ id, username, roles }) => [id, username, roles.join(',')]),
  ]).forEach(write);
  return 0;
};

const grant: Operation = async (args, context) => {
  const whose = await userAndRole(args, context);
  return tell(await context.admin.users.grantRole(whose, context.operator, inOne(context)), context);
};

const take: Operation = async (args, context) => {
  const whose = await userAndRole(args, context);
  return tell(await context.admin.users.takeRole(whose, context.operator, inOne(context)), context);
};

const suspend: Operation = async (args, context) => {
  const { words, options } = readArguments(args, ['<user>'], {
    reason: { type: 'string', default: 'not given' },
  });
  const id = await idOf(String(words[0]), context);
  const { reason } = options;
  return tell(await context.admin.users.suspend({ id, reason }, context.operator, inOne(context)), context);
};

const restore: Operation = async (args, context) => {
  const { words } = readArguments(args, ['<user>'], {});
  const id = await idOf(String(words[0]), context);
  return tell(await context.admin.users.restore(id, context.operator, inOne(context)), context);
};

const endSessions: Operation = async (args, context) => {
  const { words } = readArguments(args, ['<user>'], {});
  const id = await idOf(String(words[0]), context);
  const write = (work: (trx: Transaction) => Promise<number>) => context.database.transaction(work);
  const ended = await context.admin.users.endSessions(id, context.operator, write);
  context.write(`${ended} sessions are over.`);
  return 0;
};

/** A command is repeated by whoever types it. */
const inOne =
  ({ database }: OperationContext): Commit<UserRow> =>
  (work) =>
    database.transaction(work);

async function userAndRole(args: readonly string[], context: OperationContext) {
  const { words } = readArguments(args, ['<user>', '<role>'], {});
  const [user = '', role = ''] = words;
  if (role !== 'moderator' && role !== 'admin')
    throw new UsageError(`"${role}" is neither moderator nor admin`);
  return { id: await idOf(user, context), role: role as GrantedRole };
}

async function idOf(user: string, { database }: OperationContext): Promise<string> {
  const found = await new UsersRepository(database).findByName(user.toLowerCase());
  if (!found) throw adminErrors.unknownUser();
  return found.id;
}

function tell({ username, roles, suspendedAt }: UserRow, { write }: OperationContext): number {
  write(
    `${username}: ${roles.join(', ')}${suspendedAt ? `; suspended since ${suspendedAt.toISOString()}` : ''}`,
  );
  return 0;
}

export const adminOperations: Record<string, Operation> = {
  list,
  grant,
  take,
  suspend,
  restore,
  'end-sessions': endSessions,
};
