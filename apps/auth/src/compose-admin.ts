import type { Config } from '@rostrum/config';
import { createOutbox, type Database, type Transaction } from '@rostrum/data-access';
import { createEventPublisher, type RouteBinder } from '@rostrum/service-kit';
import type { secretSettings } from './account-settings';
import { Addresses } from './accounts/addresses';
import { adminRoutes } from './admin/admin.routes';
import type { UserRow } from './admin/users.repository';
import { UsersService } from './admin/users.service';
import { AuditAdmin } from './audit/audit-admin';
import { AuditKeys } from './audit/audit-keys';
import { AuditReader } from './audit/audit-reader';
import { auditRoutes } from './audit/audit.routes';
import type { KeyCare } from './compose-keys';
import { KeyAdmin } from './keys/key-admin';
import { keyAdminRoutes } from './keys/key-admin.routes';
import { SigningKeysRepository } from './keys/signing-keys.repository';
import { RecentFactor } from './mfa/step-up.service';
import { verifyRoutes } from './policy/verify.routes';
import { KeyedIndex } from './secrets/keyed-index';
import { Keyring } from './secrets/keyring';
import type { SessionEndings } from './sessions/session-endings';

export interface AdminSurroundings {
  database: Database;
  keys: KeyCare;
  endings: Pick<SessionEndings, 'end'>;
  forget: (userId: string) => Promise<void>;
}

/** What admins do, for the service and for commands: with accounts, keys and the audit log. */
export function composeAdmin(config: Config<typeof secretSettings>, surroundings: AdminSurroundings) {
  const { database, keys, endings, forget } = surroundings;
  const { vault, audit, revocations, rotation, times } = keys;
  const keyring = new Keyring(config.authSecrets);
  const cursorSecret = keyring.keysFor('list cursor').current.bytes.toString('base64');
  const addresses = new Addresses(vault.userKeys, new KeyedIndex(keyring, 'email index'));
  const publisher = createEventPublisher(createOutbox({ database, schema: 'auth' }));
  const notes = { audit, revocations, publisher };
  return {
    users: new UsersService({ database, addresses, endings, notes, forget }, cursorSecret),
    keys: new KeyAdmin({ repository: new SigningKeysRepository(database), rotation, audit }, times),
    audit: new AuditAdmin(
      {
        database,
        audit,
        reader: new AuditReader({ database, ...vault }),
        keys: new AuditKeys(vault.envelope),
      },
      cursorSecret,
    ),
    recent: new RecentFactor(database),
    emailOf: ({ id, email, emailSealed }: UserRow, trx?: Transaction) =>
      emailSealed
        ? addresses.open(trx ?? database, id, emailSealed).catch(() => null)
        : Promise.resolve(email),
  };
}

export type AdminParts = ReturnType<typeof composeAdmin>;

export function bindAdmin(binder: RouteBinder, { users, keys, audit, recent, emailOf }: AdminParts): void {
  adminRoutes(binder, { users, emailOf });
  keyAdminRoutes(binder, { keys, recent });
  auditRoutes(binder, audit);
  verifyRoutes(binder);
}
