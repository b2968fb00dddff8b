import type { Reply } from './reply';

/** Something that is asked about without a promise: of the hottest reads those cost more than the answer. */
export interface Condition {
  /** Tells once, later, whether it holds. */
  check(told: (holds: boolean) => void): void;
}

/** A reply that is ready, and may be given if what it was made of still holds; else there is another way to it. */
export class ProvisionalReply<R extends Reply = Reply> {
  constructor(
    readonly reply: R,
    readonly condition: Condition,
    readonly otherwise: () => Promise<R>,
  ) {}

  settled(): Promise<R> {
    return new Promise((resolve) =>
      this.condition.check((holds) => resolve(holds ? this.reply : this.otherwise())),
    );
  }
}

/** However a handler gives its reply. */
export type AnyReply<R extends Reply = Reply> = R | Promise<R> | ProvisionalReply<R>;
