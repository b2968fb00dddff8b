import { userRestored, userSuspended } from '@rostrum/contracts';
import type { Database, Transaction } from '@rostrum/data-access';
import { createCursorCodec, type CursorCodec } from '@rostrum/security';
import type { EventPublisher, Write } from '@rostrum/service-kit';
import type { Addresses } from '../accounts/addresses';
import type { AuditActor, AuditOrigin } from '../audit/audit-event';
import type { AuditLog } from '../audit/audit-log';
import type { Revocations } from '../revocations/revocations';
import type { SessionEndings } from '../sessions/session-endings';
import { assertNotLastAdmin } from './admin-guard';
import { adminErrors } from './admin.errors';
import { UsersRepository, type UserRow, type UserSearch } from './users.repository';

export interface UsersDependencies {
  database: Database;
  addresses: Pick<Addresses, 'index'>;
  endings: Pick<SessionEndings, 'end'>;
  notes: {
    audit: Pick<AuditLog, 'record' | 'recordAlone' | 'notingRefusals'>;
    revocations: Pick<Revocations, 'revokeUser'>;
    publisher: EventPublisher;
  };
  /** Forgets what is cached of the account. */
  forget: (userId: string) => Promise<void>;
}

/** Who asks for something, from where. */
export interface Admin {
  actor: AuditActor;
  from?: AuditOrigin | undefined;
}

export interface UserQuery {
  cursor?: string | undefined;
  limit: number;
  q?: string | undefined;
  role?: string | undefined;
  status?: UserSearch['status'];
}

export type GrantedRole = 'moderator' | 'admin';

interface RoleOf {
  id: string;
  role: GrantedRole;
}

/** Makes a change in a transaction of its own, and something of the account as it is then. */
export type Commit<T> = (work: (trx: Transaction) => Promise<UserRow>) => Promise<T>;

/** What admins do with accounts; all of it is in the audit log. */
export class UsersService {
  private readonly cursors: CursorCodec<string>;

  constructor(
    private readonly dependencies: UsersDependencies,
    cursorSecret: string,
  ) {
    this.cursors = createCursorCodec(cursorSecret, 'admin users');
  }

  async list(query: UserQuery, admin: Admin): Promise<{ users: UserRow[]; nextCursor: string | null }> {
    const { database, addresses, notes } = this.dependencies;
    const { q, limit, cursor, role, status } = query;
    const isEmail = q?.includes('@') ?? false;
    const found = await new UsersRepository(database).search({
      before: cursor === undefined ? undefined : this.cursors.decode(cursor),
      limit: limit + 1,
      usernamePrefix: isEmail ? undefined : q,
      email: q !== undefined && isEmail ? { email: q, indexes: addresses.index.all(q) } : undefined,
      role,
      status,
    });
    const users = found.slice(0, limit);
    const last = users.at(-1);
    // What was searched for may be somebody's address.
    const details = { found: users.length, searched: q !== undefined };
    await notes.audit.recordAlone({ action: 'users.listed', result: 'succeeded', details, ...admin });
    return { users, nextCursor: found.length > limit && last ? this.cursors.encode(last.id) : null };
  }

  async read(id: string, admin: Admin): Promise<UserRow> {
    const user = await new UsersRepository(this.dependencies.database).find(id);
    if (!user) throw adminErrors.unknownUser();
    await this.dependencies.notes.audit.recordAlone({
      action: 'user.read',
      result: 'succeeded',
      subjectId: id,
      ...admin,
    });
    return user;
  }

  /** The sessions are over with the same commit, and no sign-in that is under way makes another. */
  suspend<T>({ id, reason }: { id: string; reason: string }, admin: Admin, commit: Commit<T>): Promise<T> {
    return this.change({ id, admin, action: 'user.suspended', commit }, async (trx, users) => {
      if (admin.actor.kind === 'user' && admin.actor.id === id) throw adminErrors.ownAccount();
      await assertNotLastAdmin(trx, id);
      const suspendedAt = await users.suspend(id);
      if (!suspendedAt) return;
      const { revocations, publisher } = this.dependencies.notes;
      await revocations.revokeUser(trx, id);
      const payload = { userId: id, suspendedAt: suspendedAt.toISOString() };
      await publisher.publish(trx, userSuspended, { key: id, payload });
      await this.dependencies.endings.end(trx, { userId: id, reason: 'account suspended', ...admin });
      await this.note(trx, 'user.suspended', { id, admin, details: { reason } });
    });
  }

  restore<T>(id: string, admin: Admin, commit: Commit<T>): Promise<T> {
    return this.change({ id, admin, action: 'user.restored', commit }, async (trx, users) => {
      if (!(await users.restore(id))) return;
      const payload = { userId: id, restoredAt: new Date().toISOString() };
      await this.dependencies.notes.publisher.publish(trx, userRestored, { key: id, payload });
      await this.note(trx, 'user.restored', { id, admin });
    });
  }

  /** Tokens without the role are refused, so that the next one, which has it, is not long in coming. */
  grantRole<T>({ id, role }: RoleOf, admin: Admin, commit: Commit<T>): Promise<T> {
    return this.change({ id, admin, action: 'role.granted', commit }, async (trx, users) => {
      if (!(await users.grantRole(id, role))) return;
      await this.dependencies.notes.revocations.revokeUser(trx, id);
      await this.note(trx, 'role.granted', { id, admin, details: { role } });
    });
  }

  takeRole<T>({ id, role }: RoleOf, admin: Admin, commit: Commit<T>): Promise<T> {
    return this.change({ id, admin, action: 'role.taken', commit }, async (trx, users) => {
      if (role === 'admin') await assertNotLastAdmin(trx, id);
      if (!(await users.takeRole(id, role))) return;
      await this.dependencies.notes.revocations.revokeUser(trx, id);
      await this.note(trx, 'role.taken', { id, admin, details: { role } });
    });
  }

  /** Resolves to how many there were. */
  endSessions(id: string, admin: Admin, write: Write<number>): Promise<number> {
    const action = 'user.sessions-ended';
    const { endings, audit } = { ...this.dependencies, ...this.dependencies.notes };
    return audit.notingRefusals({ action, subjectId: id, ...admin }, () =>
      write(async (trx) => {
        await this.find(trx, id);
        const ended = await endings.end(trx, { userId: id, reason: 'ended by an admin', ...admin });
        await this.note(trx, action, { id, admin, details: { ended } });
        return ended;
      }),
    );
  }

  /** The account as it is after the change. What is refused is noted too. */
  private change<T>({ id, action, admin, commit }: Change<T>, work: ChangeWork): Promise<T> {
    return this.dependencies.notes.audit.notingRefusals({ action, subjectId: id, ...admin }, () =>
      commit((trx) => this.changeIn(trx, id, work)),
    );
  }

  private async changeIn(trx: Transaction, id: string, work: ChangeWork): Promise<UserRow> {
    await this.find(trx, id);
    await work(trx, new UsersRepository(trx));
    trx.onCommit(() => this.dependencies.forget(id));
    return this.find(trx, id);
  }

  private async find(trx: Transaction, id: string): Promise<UserRow> {
    const user = await new UsersRepository(trx).find(id);
    if (!user) throw adminErrors.unknownUser();
    return user;
  }

  private async note(
    trx: Transaction,
    action: ActionName,
    { id, admin, details }: { id: string; admin: Admin; details?: Record<string, string | number> },
  ): Promise<void> {
    const entry = { action, result: 'succeeded' as const, subjectId: id, details, ...admin };
    await this.dependencies.notes.audit.record(trx, entry);
  }
}

type ActionName = `${string}.${string}`;
type ChangeWork = (trx: Transaction, users: UsersRepository) => Promise<void>;

interface Change<T> {
  id: string;
  action: ActionName;
  admin: Admin;
  commit: Commit<T>;
}
