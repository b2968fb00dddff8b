import type { Database } from '@rostrum/data-access';
import { createCursorCodec, type CursorCodec } from '@rostrum/security';
import type { Admin } from '../admin/users.service';
import {
  AuditEventsReadModel,
  type EventFilter,
  type EventPosition,
  type FoundEvent,
} from './audit-events.read-model';
import type { AuditKeys } from './audit-keys';
import type { AuditLog } from './audit-log';
import type { AuditReader, RevealedParts } from './audit-reader';
import { auditErrors } from './audit.errors';
import { verifyAudit, type AuditReport, type VerifyOptions } from './audit-verifier';
import { databaseSource } from './database-source';

export interface AuditAdminDependencies {
  database: Database;
  audit: Pick<AuditLog, 'recordAlone'>;
  reader: Pick<AuditReader, 'reveal'>;
  keys: Pick<AuditKeys, 'genuine'>;
}

export type ReadEvent = FoundEvent & { revealed: RevealedParts };

export interface EventQuery extends EventFilter {
  cursor?: string | undefined;
  limit: number;
}

const longestActivity = 1_000;

/** The audit log in the hands of those who may read it; that they did is in it too. */
export class AuditAdmin {
  private readonly cursors: CursorCodec<EventPosition>;
  private verifying = false;

  constructor(
    private readonly dependencies: AuditAdminDependencies,
    cursorSecret: string,
  ) {
    this.cursors = createCursorCodec(cursorSecret, 'audit events');
  }

  async list(query: EventQuery, admin: Admin): Promise<{ events: ReadEvent[]; nextCursor: string | null }> {
    const { database, audit } = this.dependencies;
    const { cursor, limit, ...filter } = query;
    const before = cursor === undefined ? undefined : this.cursors.decode(cursor);
    const found = await new AuditEventsReadModel(database).search(filter, { before, limit: limit + 1 });
    const events = await Promise.all(found.slice(0, limit).map((event) => this.reveal(event)));
    const last = events.at(-1)?.body;
    await audit.recordAlone({
      action: 'audit.read',
      result: 'succeeded',
      subjectId: filter.subjectId ?? filter.actorId,
      details: { found: events.length },
      ...admin,
    });
    const next = found.length > limit && last ? this.cursors.encode({ at: last.at, id: last.id }) : null;
    return { events, nextCursor: next };
  }

  async verify(options: VerifyOptions, admin: Admin): Promise<AuditReport> {
    if (this.verifying) throw auditErrors.verificationUnderWay();
    this.verifying = true;
    const { database, keys, audit } = this.dependencies;
    try {
      const report = await verifyAudit(await databaseSource(database, keys), options);
      const { intact, complete, events, findingCount } = report;
      const details = { intact, complete, events, findings: findingCount };
      await audit.recordAlone({ action: 'audit.verified', result: 'succeeded', details, ...admin });
      return report;
    } finally {
      this.verifying = false;
    }
  }

  /** What somebody may know of what they did, and of what was done to them: not from where others did it. */
  async activityOf(userId: string) {
    const found = await new AuditEventsReadModel(this.dependencies.database).ofPerson(
      userId,
      longestActivity,
    );
    const events = await Promise.all(found.map((event) => this.reveal(event)));
    return events.map(({ body: { at, action, result, from: sealed }, revealed: { from } }) => {
      const own = sealed?.owner === userId ? from : undefined;
      const where = { address: own?.address ?? null, userAgent: own?.userAgent ?? null };
      return { at: new Date(at).toISOString(), action, result, ...where };
    });
  }

  private async reveal(event: FoundEvent): Promise<ReadEvent> {
    return { ...event, revealed: await this.dependencies.reader.reveal(event.body) };
  }
}
