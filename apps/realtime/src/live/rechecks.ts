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
  visibility: Pick<Visibility, 'maySeeNow' | 'forget' | 'ownerOf'>;
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
    if (message.type !== 'event' && message.type !== 'gap') return;
    const news = message.type === 'event' ? processNews.safeParse(message.data) : undefined;
    // What was missed, or is of a kind that this release does not know, may be about anybody.
    if (news?.success) this.take(news.data);
    else this.checkAll();
  }

  private take(news: ProcessNews): void {
    const { visibility } = this.parts;
    if (news.kind === 'people') {
      visibility.forget(news.userIds);
      void this.check(({ subscriber }) => news.userIds.includes(subscriber.user.userId));
      return;
    }
    if (news.kind === 'everybody') {
      this.checkAll();
      return;
    }
    visibility.forget();
    if (news.kind === 'gone') {
      this.clear(news.channel);
      return;
    }
    // Whose it is may not be known yet, or no more.
    void this.check(({ channel }) => {
      const owner = visibility.ownerOf(channel);
      return owner === undefined || news.userIds.includes(owner);
    });
  }

  private checkAll(): void {
    this.parts.visibility.forget();
    void this.check(() => true);
  }

  private clear(channel: string): void {
    const { subscriptions } = this.parts;
    for (const [, memberships] of [...subscriptions]) {
      const membership = memberships.find((each) => each.channel === channel);
      if (membership) subscriptions.expel(membership, 'CHANNEL_NOT_FOUND');
    }
  }

  private async check(concerns: (membership: Membership) => boolean): Promise<void> {
    const concerned: [Subscriber, Membership[]][] = [];
    for (const [subscriber, memberships] of this.parts.subscriptions) {
      const some = memberships.filter((each) => isGuarded(each) && concerns(each));
      if (some.length > 0) concerned.push([subscriber, some]);
    }
    const next = concerned.values();
    const work = async () => {
      for (const [subscriber, some] of next) await this.checkOne(subscriber, some);
    };
    await Promise.all(Array.from({ length: parallel }, work));
  }

  /** Where it cannot be told, nothing more is told: the client asks again. */
  private async checkOne({ user }: Subscriber, some: readonly Membership[]): Promise<void> {
    const { subscriptions, visibility, onError } = this.parts;
    const channels = some.map(({ channel }) => channel);
    try {
      const seen = await visibility.maySeeNow(user.userId, channels);
      for (const each of some) if (!seen.has(each.channel)) subscriptions.expel(each, 'CHANNEL_NOT_FOUND');
    } catch (error) {
      onError(error);
      for (const each of some) subscriptions.expel(each, 'UNAVAILABLE');
    }
  }
}

function isGuarded({ channel }: Membership): boolean {
  const kind = kindOf(channel);
  return kind === 'post' || kind === 'presence';
}
