import type { Config } from '@rostrum/config';
import type { Database } from '@rostrum/data-access';
import { RepeatedWork, type BackgroundWork, type Kit } from '@rostrum/service-kit';
import { AuditKeys } from './audit/audit-keys';
import type { auditSettings } from './audit/audit-settings';
import { verifyAudit, type AuditReport } from './audit/audit-verifier';
import { Checkpoints } from './audit/checkpoints';
import { databaseSource } from './audit/database-source';
import type { KeyVault } from './keys/key-vault';

const hourMs = 3_600_000;

/** What the worker does for the audit log: signs how far it has come, and looks for signs of tampering. */
export function composeAuditUpkeep(
  kit: Kit,
  config: Config<typeof auditSettings>,
  { database, vault }: { database: Database; vault: KeyVault },
): BackgroundWork[] {
  const keys = new AuditKeys(vault.envelope);
  const watch = new AuditWatch(kit);
  const checkpoints = new Checkpoints(database, keys);
  const signing = new RepeatedWork({
    name: 'audit checkpoints',
    everyMs: config.auditCheckpointSeconds * 1000,
    round: async () => {
      const made = await checkpoints.make();
      if (made) watch.checkpointMade(made);
    },
    onError: (error) => kit.logger.warn('The audit log could not be signed', { error }),
  });
  if (config.auditVerifyHours === 0) return [signing];
  const everyMs = config.auditVerifyHours * hourMs;
  const verifying = new RepeatedWork({
    name: 'audit verification',
    everyMs,
    // Spread over instances that start together, and never a part of the start.
    firstAfterMs: Math.random() * everyMs,
    round: async () => watch.verified(await verifyAudit(await databaseSource(database, keys))),
    onError: (error) => kit.logger.warn('The audit log could not be verified', { error }),
  });
  return [signing, verifying];
}

/** What operators see of the audit log. */
class AuditWatch {
  private readonly made;
  private readonly intact;

  constructor(private readonly kit: Pick<Kit, 'logger' | 'metrics'>) {
    this.made = kit.metrics.counter('audit_checkpoints_total', 'Signed checkpoints of the audit log');
    this.made.inc(0);
    this.intact = kit.metrics.gauge(
      'audit_log_intact',
      'Whether the last verification found the audit log intact',
    );
    this.intact.set(1);
  }

  /** The line is an anchor: it leaves the database, and proves later that this checkpoint was there. */
  checkpointMade({ position, hash }: { position: number; hash: string }): void {
    this.made.inc();
    this.kit.logger.info('Audit checkpoint', { position, checkpoint_hash: hash });
  }

  verified({ intact, events, findingCount, findings }: AuditReport): void {
    this.intact.set(intact ? 1 : 0);
    if (intact) this.kit.logger.info('The audit log is intact', { events });
    else
      this.kit.logger.error('The audit log has been tampered with', {
        finding_count: findingCount,
        findings,
      });
  }
}
