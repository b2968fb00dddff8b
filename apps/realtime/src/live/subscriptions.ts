import { messageErrors, type MessageErrorCode } from '@rostrum/contracts';
import { frameOf } from '../sockets/frame';
import { MessageRefusal } from '../sockets/message-refusal';
import { catchUp } from './catch-up';
import type { Gap } from './channel-follower';
import { internalName, kindOf, publicName, subjectOf } from './channel-names';
import { textOf, type LiveEvent } from './live-event';
import type { LiveChannels } from './live-channels';
import type { LiveMetrics } from './live-metrics';
import { Membership, type Subscriber } from './membership';
import type { ClientPosition, MissedNotifications } from './missed-notifications';
import { whereToBegin } from './where-to-begin';

export interface SubscriptionsParts {
  channels: LiveChannels;
  /** Whether the user may see what the channel is about. Rejects with a 503 problem where that cannot be told. */
  maySee: (userId: string, channel: string) => Promise<boolean>;
  /** Called before a feed is opened: those who write have to know that somebody listens. */
  announceReader: (userId: string) => Promise<void>;
  missed: Pick<MissedNotifications, 'since'>;
  metrics: Pick<LiveMetrics, 'resumed' | 'gapTold' | 'subscriptionEnded'>;
  maxSubscriptions: number;
  /** The subscriber has all that the channel's log has for it. */
  onJoined?: (membership: Membership) => void;
}

export interface Wish {
  /** As the client calls it. */
  channel: string;
  /** Left out, it begins with what happens next. */
  since?: ClientPosition | undefined;
  /** Of the message that asks for it. */
  replyTo?: string | undefined;
}

/** Who has subscribed to what, and how they got there. */
export class Subscriptions {
  /** Lists, never changed: there are very many, and nearly all are short. */
  private readonly bySubscriber = new Map<Subscriber, readonly Membership[]>();

  constructor(private readonly parts: SubscriptionsParts) {}

  get size(): number {
    let count = 0;
    for (const memberships of this.bySubscriber.values()) count += memberships.length;
    return count;
  }

  [Symbol.iterator](): IterableIterator<[Subscriber, readonly Membership[]]> {
    return this.bySubscriber.entries();
  }

  /** Resolves when the subscriber has all that it has missed. Asked for again, the channel begins anew. */
  async join(subscriber: Subscriber, wish: Wish): Promise<void> {
    const membership = this.enter(subscriber, internalName(wish.channel, subscriber.user.userId));
    try {
      if (!(await this.parts.maySee(subscriber.user.userId, membership.channel))) {
        throw new MessageRefusal('CHANNEL_NOT_FOUND');
      }
      const { channel } = membership;
      if (kindOf(channel) === 'feed') await this.parts.announceReader(subjectOf(channel));
      membership.assertHere();
      await this.begin(membership, wish);
      this.parts.onJoined?.(membership);
    } catch (error) {
      // Its message has been answered already.
      if (membership.isWelcome) this.expel(membership, 'UNAVAILABLE');
      this.leave(membership);
      if (!membership.isWelcome) throw error;
    }
  }

  membershipOf(subscriber: Subscriber, channel: string): Membership {
    const name = internalName(channel, subscriber.user.userId);
    const membership = this.bySubscriber.get(subscriber)?.find((each) => each.channel === name);
    if (!membership?.isHere) throw new MessageRefusal('NOT_SUBSCRIBED');
    return membership;
  }

  leave(membership: Membership): void {
    const { subscriber } = membership;
    membership.end(this.parts.channels);
    const memberships = this.bySubscriber.get(subscriber);
    if (!memberships?.includes(membership)) return;
    const others = memberships.filter((each) => each !== membership);
    if (others.length > 0) this.bySubscriber.set(subscriber, others);
    else this.bySubscriber.delete(subscriber);
  }

  /** The subscriber is gone. */
  leaveAll(subscriber: Subscriber): void {
    const memberships = this.bySubscriber.get(subscriber);
    if (!memberships) return;
    this.bySubscriber.delete(subscriber);
    for (const membership of memberships) membership.end(this.parts.channels);
  }

  /** What the client has seen so far was right; from now on it may not, or it cannot be told whether it may. */
  expel(membership: Membership, code: MessageErrorCode): void {
    if (!membership.isHere) return;
    this.leave(membership);
    this.parts.metrics.subscriptionEnded(kindOf(membership.channel));
    const channel = publicName(membership.channel);
    membership.subscriber.send(frameOf({ type: 'error', channel, code, message: messageErrors[code] }));
  }

  private async begin(membership: Membership, { since, replyTo }: Wish): Promise<void> {
    const { follower } = await membership.hold(this.parts.channels);
    const { position } = follower;
    if (since === undefined) {
      membership.welcome({ ...position, recovered: false }, replyTo);
      membership.attach();
      return;
    }
    const beginning = await whereToBegin(follower, since);
    const stored = beginning.gap && (await this.missedOf(membership, since));
    membership.assertHere();
    const { at, gap } = beginning;
    const isLive = !gap && at.offset === position.offset;
    this.parts.metrics.resumed(gap ? (stored ? 'stored' : 'gap') : isLive ? 'live' : 'replayed');
    membership.welcome({ ...at, recovered: !gap || stored !== undefined }, replyTo);
    if (stored) await membership.sendAll(stored.map(textOf));
    else if (gap) this.tellGap(membership, gap);
    await catchUp(follower, membership, at);
  }

  private tellGap(membership: Membership, gap: Gap): void {
    this.parts.metrics.gapTold(gap.reason);
    membership.gap(gap);
  }

  private enter(subscriber: Subscriber, channel: string): Membership {
    const memberships = this.bySubscriber.get(subscriber) ?? [];
    const former = memberships.find((each) => each.channel === channel);
    if (!former && memberships.length >= this.parts.maxSubscriptions) {
      throw new MessageRefusal('SUBSCRIPTION_LIMIT');
    }
    former?.end(this.parts.channels);
    const membership = new Membership(channel, subscriber);
    const others = former ? memberships.filter((each) => each !== former) : memberships;
    // Spread, even an empty list makes room for many more.
    this.bySubscriber.set(subscriber, others.length > 0 ? [...others, membership] : [membership]);
    return membership;
  }

  /** Only notifications are kept longer than the log keeps them. */
  private async missedOf({ channel }: Membership, since: ClientPosition): Promise<LiveEvent[] | undefined> {
    if (kindOf(channel) !== 'user') return undefined;
    return this.parts.missed.since(subjectOf(channel), since);
  }
}
