import type { Transaction } from '@rostrum/data-access';
import { currentContext } from '@rostrum/observability';
import { v7 as uuidv7 } from 'uuid';
import type { NotificationEvents } from '../business-events';
import type { PostsClient } from '../live/posts.client';
import { defaultWays } from '../settings/notification-ways';
import { NotificationLedger, type Standing, type TakenBack } from './notification-ledger.repository';
import type { Deed } from './notification';

export interface NotifierParts {
  events: Pick<NotificationEvents, 'notificationSent'>;
  /** Rejects with a 503 problem where it cannot be told: then the event waits. */
  posts: Pick<PostsClient, 'viewers'>;
  /** Called once there is something to announce. */
  onDue: () => void;
}

/** Decides what of all that happens somebody is told, and writes it down. Everything runs in the event's transaction. */
export class Notifier {
  constructor(private readonly parts: NotifierParts) {}

  async tell(trx: Transaction, deed: Deed): Promise<void> {
    if (deed.actor?.id === deed.recipientId || !(await this.maySee(deed))) return;
    const ledger = new NotificationLedger(trx);
    const position = await ledger.nextPosition(deed.recipientId);
    if (position === undefined) return;
    const standing = await ledger.standingOf(deed);
    if (standing.unwanted) return;
    if (standing.earlier) await this.again(ledger, deed, standing.earlier);
    else if (!standing.knowsPost) await this.write(trx, deed, { position, standing });
  }

  /** Of a reply that is for others, or of a private account, whom it answers or names learns nothing. */
  private async maySee({ recipientId, postId }: Deed): Promise<boolean> {
    if (postId === undefined) return true;
    return (await this.parts.posts.viewers(postId, [recipientId])).length > 0;
  }

  async takeBack(trx: Transaction, deed: TakenBack): Promise<void> {
    const ledger = new NotificationLedger(trx);
    await ledger.hold([deed.recipientId]);
    await ledger.withdraw(deed);
  }

  /** Nobody is told twice of the same: what was taken back is where it was. */
  private async again(
    ledger: NotificationLedger,
    deed: Deed,
    { groupId, withdrawn, doneAt }: NonNullable<Standing['earlier']>,
  ): Promise<void> {
    if (withdrawn && deed.at >= doneAt) await ledger.restore(deed, groupId);
  }

  private async write(
    trx: Transaction,
    deed: Deed,
    { position, standing }: { position: number; standing: Standing },
  ): Promise<void> {
    const ledger = new NotificationLedger(trx);
    const inApp = standing.ways?.[deed.kind]?.inApp ?? defaultWays[deed.kind].inApp;
    const change = { position, eventId: uuidv7() };
    const groupId = standing.openGroupId ?? (await ledger.begin(deed, change, inApp));
    await ledger.join(deed, groupId, change);
    const traceparent = currentContext()?.traceparent();
    await ledger.announce(deed, { ...change, groupId, traceparent });
    trx.onCommit(() => {
      this.parts.events.notificationSent({ id: groupId, kind: deed.kind });
      this.parts.onDue();
    });
  }
}
