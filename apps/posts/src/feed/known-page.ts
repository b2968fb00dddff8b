import type { TailReader } from '@rostrum/data-access';
import type { Condition } from '@rostrum/service-kit';
import type { ChangeLog, LogPosition } from '../visibility/change-log';
import type { FeedPage, FeedPages, KeptPage } from './feed-pages';

/** A page that is kept, and what is to be found out before it is sent: without a promise, like a single post. */
export class KnownPage implements TailReader, Condition {
  /** Until where the log of changes has been read since the page was asked for. */
  position: LogPosition | undefined;
  private told: ((holds: boolean) => void) | undefined;

  constructor(
    private readonly changes: Pick<ChangeLog, 'ask' | 'position'>,
    private readonly pages: Pick<FeedPages, 'holds'>,
    private readonly kept: KeptPage,
  ) {}

  get page(): FeedPage {
    return this.kept.page;
  }

  check(told: (holds: boolean) => void): void {
    this.told = told;
    this.changes.ask(this);
  }

  onCaughtUp(): void {
    this.position = this.changes.position;
    this.told?.(this.position !== undefined && this.pages.holds(this.kept, this.position));
  }

  onSilence(): void {
    this.told?.(false);
  }
}
