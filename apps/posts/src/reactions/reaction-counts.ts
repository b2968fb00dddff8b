import type { Metrics, RostrumLogger } from '@rostrum/observability';
import { reactionKinds, type Reaction } from './reaction';

interface Eyes {
  logger: Pick<RostrumLogger, 'info'>;
  metrics: Pick<Metrics, 'counter'>;
}

/** Reactions as people outside engineering would count them. Those that were written together have one line. */
export class ReactionCounts {
  private readonly logger: Eyes['logger'];
  private readonly changes;

  constructor({ logger, metrics }: Eyes) {
    this.logger = logger;
    this.changes = metrics.counter(
      'post_reactions_total',
      'Likes, reposts and bookmarks that were made and taken back',
      ['kind', 'change'],
    );
    for (const kind of reactionKinds)
      for (const change of ['made', 'ended']) this.changes.inc({ kind, change }, 0);
  }

  reacted({ kind, isOn }: Pick<Reaction, 'kind' | 'isOn'>, count: number): void {
    const change = isOn ? 'made' : 'ended';
    this.changes.inc({ kind, change }, count);
    this.logger.info('Reactions changed', { kind, change, count });
  }
}
