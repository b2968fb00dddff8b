import { randomUUID } from 'node:crypto';
import {
  streams,
  userDeleted,
  userDeletionRequested,
  userDeletionWithdrawn,
  userRestored,
  userSuspended,
} from '@rostrum/contracts';
import type { PostsApp } from './posts-app';

interface Somebody {
  id: string;
}

/** Puts events into auth's stream as auth's relay does. */
export class AccountEvents {
  constructor(private readonly app: PostsApp) {}

  suspended({ id }: Somebody, eventId?: string): Promise<void> {
    return this.publish(userSuspended, { userId: id, suspendedAt: new Date().toISOString() }, eventId);
  }

  restored({ id }: Somebody, eventId?: string): Promise<void> {
    return this.publish(userRestored, { userId: id, restoredAt: new Date().toISOString() }, eventId);
  }

  deletionRequested({ id }: Somebody, eventId?: string): Promise<void> {
    const payload = { userId: id, requestedAt: new Date().toISOString() };
    return this.publish(userDeletionRequested, payload, eventId);
  }

  deletionWithdrawn({ id }: Somebody, eventId?: string): Promise<void> {
    const payload = { userId: id, withdrawnAt: new Date().toISOString() };
    return this.publish(userDeletionWithdrawn, payload, eventId);
  }

  deleted({ id }: Somebody, eventId?: string): Promise<void> {
    return this.publish(userDeleted, { userId: id, deletedAt: new Date().toISOString() }, eventId);
  }

  private async publish(
    { type, version }: { type: string; version: number },
    payload: { userId: string } & Record<string, string>,
    id: string = randomUUID(),
  ): Promise<void> {
    await this.app.bus.publish(streams.auth, [
      {
        ...{ id, type, version, key: payload.userId, occurredAt: new Date().toISOString() },
        payload: JSON.stringify(payload),
      },
    ]);
  }
}
