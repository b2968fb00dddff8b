import type { Queryable } from '@rostrum/data-access';
import type { Envelope } from '@rostrum/security';
import type { UserKeys } from '../keys/user-keys';
import type { AuditBody, SealedPart } from './audit-event';

export interface AuditReaderDependencies {
  database: Queryable;
  userKeys: Pick<UserKeys, 'open'>;
  envelope: Pick<Envelope, 'open'>;
}

/** The personal parts of an event; null where its person has been forgotten, absent where there were none. */
export interface RevealedParts {
  from?: Record<string, string> | null;
  personal?: Record<string, string> | null;
}

/** Opens what is sealed in events, for those who may read it. */
export class AuditReader {
  constructor(private readonly dependencies: AuditReaderDependencies) {}

  async reveal({ id, from, personal }: Pick<AuditBody, 'id' | 'from' | 'personal'>): Promise<RevealedParts> {
    return {
      ...(from && { from: await this.open(id, 'from', from) }),
      ...(personal && { personal: await this.open(id, 'personal', personal) }),
    };
  }

  private async open(eventId: string, column: string, { owner, data }: SealedPart) {
    const { database, userKeys, envelope } = this.dependencies;
    const sealed = Buffer.from(data, 'base64');
    const place = { table: 'audit_events', column, row: eventId };
    const plain = owner
      ? await userKeys.open(database, owner, { sealed, place })
      : await envelope.open(sealed, place);
    return plain ? (JSON.parse(plain.toString()) as Record<string, string>) : null;
  }
}
