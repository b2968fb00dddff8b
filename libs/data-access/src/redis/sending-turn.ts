import type { Redis } from './redis';

const turns = new WeakMap<Redis, SendingTurn>();

/** The turn of a client: what is gathered for it by different parts of a process leaves together. */
export function sendingTurn(redis: Redis): SendingTurn {
  let turn = turns.get(redis);
  if (!turn) {
    turn = new SendingTurn(redis);
    turns.set(redis, turn);
  }
  return turn;
}

/**
 * Gathers what is to be sent to Redis in one turn of the event loop and writes it at the turn's end, all in one
 * packet: a limit and the cached read behind it cost one system call and one round trip together.
 */
export class SendingTurn {
  private senders: (() => void)[] = [];
  private readonly lastSenders: (() => void)[] = [];

  constructor(private readonly redis: Redis) {}

  /** Requests arrive in I/O callbacks; `setImmediate` runs after all those of this turn, a microtask after each. */
  atEnd(send: () => void): void {
    if (this.senders.length === 0) setImmediate(this.flush);
    this.senders.push(send);
  }

  /** What still has to be sent when the client is about to be closed. */
  beforeClose(send: () => void): void {
    this.lastSenders.push(send);
  }

  /** Called when nobody asks any more. */
  sendLast(): void {
    for (const send of this.lastSenders) send();
  }

  private readonly flush = (): void => {
    const { senders } = this;
    this.senders = [];
    // A cluster has a connection per node, and none of its own.
    const stream = this.redis.stream as Redis['stream'] | undefined;
    if (senders.length === 1 || !stream) {
      for (const send of senders) send();
      return;
    }
    stream.cork();
    try {
      for (const send of senders) send();
    } finally {
      stream.uncork();
    }
  };
}
