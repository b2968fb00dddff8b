import { serverMessage } from '@rostrum/contracts';
import type { Frame } from '../sockets/frame';
import { channels as names, kindOf } from './channel-names';
import type { Listener } from './listeners';
import type { HeldChannel, LiveChannels } from './live-channels';
import type { Membership, Subscriber } from './membership';
import { processNews, type ProcessNews } from './news-for-processes';
import type { Subscriptions } from './subscriptions';
import type { Visibility } from './visibility';

export interface RechecksParts {
  channels: Pick<LiveChannels, 'hold' | 'release'>;
  subscriptions: Subscriptions;
  visibility: Pick<Visibility, 'maySeeNow' | 'forget'>;
  onError: (error: unknown) => void;
}

const retryMs = 1000;
/** People asked about at once. */
const parallel = 8;

/** Ends subscriptions to what may be seen no more. It listens to the worker as clients listen to channels. */
export class Rechecks implements Listener {
  private held: HeldChannel | undefined;
  private retry: NodeJS.Timeout | undefined;
  private stopped = false;

  constructor(private readonly parts: RechecksParts) {}

  /** Redis may be away at first: sockets are let in no sooner than it is there. */
  start(): void {
    const held = this.parts.channels.hold(names.control);
    held.opened.then(
      () => {
        this.held = held;
        held.listeners.add(this);
        // Somebody may have subscribed before this was listening.
        this.checkAll();
      },
      () => {
        this.parts.channels.release(held);
        if (!this.stopped) this.retry = setTimeout(() => this.start(), retryMs).unref();
      },
    );
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.retry);
    if (this.held) this.parts.channels.release(this.held);
  }

  send(frame: Frame): void {
    const message = serverMessage.parse(JSON.parse(frame.text.toString()));
    if (message.type === 'event') this.take(processNews.parse(message.data));
    // What was missed may have been about anybody.
    else if (message.type === 'gap') this.checkAll();
  }

  private take(news: ProcessNews): void {
    if (news.kind === 'people') {
      this.parts.visibility.forget(news.userIds);
      void this.check(({ user }) => news.userIds.includes(user.userId));
      return;
    }
    if (news.kind === 'everybody') {
      this.checkAll();
      return;
    }
    this.parts.visibility.forget();
    this.clear(news.channel);
  }

  private checkAll(): void {
    this.parts.visibility.forget();
    void this.check(() => true);
  }

  private clear(channel: string): void {
    const { subscriptions } = this.parts;
    for (const [, memberships] of [...subscriptions]) {
      const membership = memberships.get(channel);
      if (membership) subscriptions.expel(membership, 'CHANNEL_NOT_FOUND');
    }
  }

  private async check(concerns: (subscriber: Subscriber) => boolean): Promise<void> {
    const concerned = [...this.parts.subscriptions].filter(([subscriber]) => concerns(subscriber));
    const next = concerned.values();
    const work = async () => {
      for (const [subscriber, memberships] of next)
        await this.checkOne(subscriber, [...memberships.values()]);
    };
    await Promise.all(Array.from({ length: parallel }, work));
  }

  /** Where it cannot be told, nothing more is told: the client asks again. */
  private async checkOne({ user }: Subscriber, all: readonly Membership[]): Promise<void> {
    const { subscriptions, visibility, onError } = this.parts;
    const guarded = all.filter(({ channel }) => kindOf(channel) === 'post' || kindOf(channel) === 'presence');
    if (guarded.length === 0) return;
    try {
      const seen = await visibility.maySeeNow(
        user.userId,
        guarded.map(({ channel }) => channel),
      );
      for (const each of guarded) if (!seen.has(each.channel)) subscriptions.expel(each, 'CHANNEL_NOT_FOUND');
    } catch (error) {
      onError(error);
      for (const each of guarded) subscriptions.expel(each, 'UNAVAILABLE');
    }
  }
}
