import type { Kit } from '@rostrum/service-kit';

const outcomes = ['sent', 'dropped', 'refused', 'gone', 'postponed'] as const;

export type PushOutcome = (typeof outcomes)[number];

/** What became of pushes. Endpoints are secrets: nothing here names one. */
export class PushEvents {
  private readonly pushes;

  constructor({ metrics }: Pick<Kit, 'metrics'>) {
    this.pushes = metrics.counter('push_messages_total', 'Pushes, by what became of them', ['outcome']);
    for (const outcome of outcomes) this.pushes.inc({ outcome }, 0);
  }

  pushDone(outcome: PushOutcome): void {
    this.pushes.inc({ outcome });
  }
}
