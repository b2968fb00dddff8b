import { randomUUID } from 'node:crypto';
import { AuditKeys } from '../src/audit/audit-keys';
import { AuditLog } from '../src/audit/audit-log';
import { verifyAudit, type AuditReport, type VerifyOptions } from '../src/audit/audit-verifier';
import { Checkpoints, type MadeCheckpoint } from '../src/audit/checkpoints';
import { databaseSource } from '../src/audit/database-source';
import type { KeyVault } from '../src/keys/key-vault';
import { AuthDatabase } from './auth-database';

/** All events of the people of a stage are in one chain. */
export const chain = 5;

/** An audit log in a database of its own, and somebody who may do everything there. */
export class AuditStage {
  readonly people = Array.from({ length: 4 }, () => randomUUID().slice(0, -1) + chain.toString(16));
  readonly vault: KeyVault;
  readonly keys: AuditKeys;
  readonly checkpoints: Checkpoints;
  private readonly audit: AuditLog;

  private constructor(readonly store: AuthDatabase) {
    this.vault = store.vault();
    this.audit = new AuditLog({ database: store.database, ...this.vault });
    this.keys = new AuditKeys(this.vault.envelope);
    this.checkpoints = new Checkpoints(store.database, this.keys);
  }

  static async open(): Promise<AuditStage> {
    return new AuditStage(await AuthDatabase.create());
  }

  close(): Promise<void> {
    return this.store.close();
  }

  async record(count: number, more: { address?: string } = {}): Promise<void> {
    for (let n = 0; n < count; n += 1) {
      await this.audit.recordAlone({
        action: 'session.started',
        result: 'succeeded',
        actor: { kind: 'user', id: String(this.people[n % this.people.length]) },
        details: { n },
        ...(more.address && { from: { address: more.address, userAgent: 'Canary/1.0' } }),
      });
    }
  }

  /** Twenty events, the first twelve of which are signed for. */
  async history(): Promise<MadeCheckpoint[]> {
    await this.record(6);
    const first = await this.checkpoints.make();
    await this.record(6);
    const second = await this.checkpoints.make();
    await this.record(8);
    return [first, second] as MadeCheckpoint[];
  }

  async verify(options?: VerifyOptions): Promise<AuditReport> {
    return verifyAudit(await databaseSource(this.store.database, this.keys), options);
  }

  /** As somebody who knows how the log works. */
  async tamper(...statements: string[]): Promise<void> {
    await this.store.rows('alter table auth.audit_events disable trigger user');
    await this.store.rows('alter table auth.audit_checkpoints disable trigger user');
    for (const statement of statements) await this.store.rows(statement);
  }
}
