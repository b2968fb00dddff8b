import type { Database } from '@rostrum/data-access';
import type { AdminParts } from '../compose-admin';
import type { KeyCare } from '../compose-keys';
import type { Admin } from '../admin/users.service';

/** What an operator's command works with. */
export interface OperationContext {
  database: Database;
  /** As the role that owns the tables; undefined unless the command was given its login. */
  owner: Database | undefined;
  keys: KeyCare;
  admin: AdminParts;
  /** Who types, as the audit log notes it. */
  operator: Admin;
  write: (line: string) => void;
}

/** One command. Resolves to its exit code. */
export type Operation = (args: readonly string[], context: OperationContext) => Promise<number>;

/** Lines of columns of one width each. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
