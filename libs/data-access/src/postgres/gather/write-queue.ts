import { postgresErrors } from '../postgres.errors';

export interface Waiting<Item> {
  item: Item;
  resolve: (written: boolean) => void;
  reject: (error: unknown) => void;
  /** When it is refused, by `performance.now()`. */
  deadline: number;
}

export interface WriteQueueOptions {
  enough?: number;
  most?: number;
  inFlight?: number;
  mostWaiting?: number;
  longestWaitMs?: number;
}

const defaults = { enough: 50, most: 200, inFlight: 2, mostWaiting: 5_000, longestWaitMs: 5_000 };

/** A batch is waited for no longer than so many turns of the event loop. */
const mostTurns = 8;

/** Items that wait to be written, in batches: not too many, and not for too long. */
export class WriteQueue<Item> {
  private readonly limits: Required<WriteQueueOptions>;
  private waiting: Waiting<Item>[] = [];
  private underWay = 0;
  /** Whether a turn is under way that may bring more, and how many there were before it. */
  private gathering = false;
  private before = 0;
  private expiry: NodeJS.Timeout | undefined;

  constructor(
    { enough, most, inFlight, mostWaiting, longestWaitMs }: WriteQueueOptions,
    private readonly write: (batch: Waiting<Item>[]) => Promise<void>,
  ) {
    this.limits = {
      enough: enough ?? defaults.enough,
      most: most ?? defaults.most,
      inFlight: inFlight ?? defaults.inFlight,
      mostWaiting: mostWaiting ?? defaults.mostWaiting,
      longestWaitMs: longestWaitMs ?? defaults.longestWaitMs,
    };
  }

  add(item: Item): Promise<boolean> {
    const { enough, inFlight, mostWaiting, longestWaitMs } = this.limits;
    if (this.waiting.length >= mostWaiting) return Promise.reject(refusal());
    return new Promise((resolve, reject) => {
      this.waiting.push({ item, resolve, reject, deadline: performance.now() + longestWaitMs });
      if (this.underWay >= inFlight) return this.watch();
      if (this.waiting.length >= enough) return this.send();
      if (this.gathering) return;
      this.gathering = true;
      setImmediate(this.gather, mostTurns);
    });
  }

  /** Sends when a turn has brought no more: who comes together is read over several, and a batch costs as much as many items. */
  private readonly gather = (turns: number): void => {
    const { length } = this.waiting;
    if (length > this.before && turns > 0) {
      this.before = length;
      setImmediate(this.gather, turns - 1);
      return;
    }
    this.gathering = false;
    this.send();
  };

  private readonly send = (): void => {
    const { most, inFlight } = this.limits;
    this.before = 0;
    while (this.waiting.length > 0 && this.underWay < inFlight) {
      const batch = this.waiting.slice(0, most);
      this.waiting = this.waiting.slice(most);
      this.underWay += 1;
      void this.write(batch).finally(() => {
        this.underWay -= 1;
        // What is being gathered is sent when that is over.
        if (!this.gathering) this.send();
      });
    }
    this.watch();
  };

  /** All wait equally long, so that the first is the next to be refused. */
  private watch(): void {
    const [first] = this.waiting;
    if (this.expiry !== undefined || !first) return;
    this.expiry = setTimeout(this.refuse, first.deadline - performance.now());
    this.expiry.unref();
  }

  private readonly refuse = (): void => {
    this.expiry = undefined;
    const now = performance.now();
    while (this.waiting[0] && this.waiting[0].deadline <= now) this.waiting.shift()?.reject(refusal());
    this.watch();
  };
}

const refusal = () => postgresErrors.unavailable(new Error('Too many writes wait for those before them'));
