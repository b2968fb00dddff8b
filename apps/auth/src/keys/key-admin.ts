import type { Write } from '@rostrum/service-kit';
import type { AuditLog } from '../audit/audit-log';
import { stateOf, type KeyState, type KeyTimes, type KnownKey } from './key-schedule';
import type { KeyOrder, KeyRotation, NextKey } from './key-rotation';
import type { SigningKeysRepository } from './signing-keys.repository';

export interface KeyAdminDependencies {
  repository: Pick<SigningKeysRepository, 'all'>;
  rotation: Pick<KeyRotation, 'rotate' | 'revoke'>;
  audit: Pick<AuditLog, 'recordAlone' | 'notingRefusals'>;
}

/** The keys in the hands of an operator. */
export class KeyAdmin {
  constructor(
    private readonly dependencies: KeyAdminDependencies,
    private readonly times: KeyTimes,
  ) {}

  async list(order: KeyOrder): Promise<(KnownKey & { state: KeyState })[]> {
    const { repository, audit } = this.dependencies;
    const all = await repository.all();
    await audit.recordAlone({ action: 'signing_keys.listed', result: 'succeeded', ...order });
    const moment = { now: Date.now(), times: this.times };
    return all.map((key) => ({ ...key, state: stateOf(key, all, moment) }));
  }

  rotate(order: KeyOrder, write?: Write<NextKey>): Promise<NextKey> {
    const { audit, rotation } = this.dependencies;
    return audit.notingRefusals({ action: 'signing_key.rotated', ...order }, () =>
      rotation.rotate(order, write),
    );
  }

  revoke(
    kid: string,
    { reason, ...order }: KeyOrder & { reason: string },
    write?: Write<void>,
  ): Promise<void> {
    const { audit, rotation } = this.dependencies;
    return audit.notingRefusals({ action: 'signing_key.revoked', target: { key: kid }, ...order }, () =>
      rotation.revoke(kid, { ...order, reason }, write),
    );
  }
}
