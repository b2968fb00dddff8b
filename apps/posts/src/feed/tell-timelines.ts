import { postCreated, userFollowed, userUnfollowed, type EventContract } from '@rostrum/contracts';
import type { Transaction } from '@rostrum/data-access';
import type { EventPublisher, Fact } from '@rostrum/service-kit';
import type { Timelines } from './timelines';

type TellTimelines = Pick<Timelines, 'forget' | 'wrote'>;

/**
 * A publisher that tells timelines what they must know before the change is acknowledged: one's own posts, and whom one
 * follows. Whatever changes these publishes it, so that nobody has to think of timelines.
 */
export function tellTimelines(publisher: EventPublisher, timelines: TellTimelines): EventPublisher {
  return {
    ...publisher,
    publish: async (trx, contract, fact) => {
      await publisher.publish(trx, contract, fact);
      noteFor(timelines, trx, { contract, payload: fact.payload });
    },
  };
}

interface Published {
  contract: EventContract;
  payload: Fact<EventContract>['payload'];
}

function noteFor(timelines: TellTimelines, trx: Transaction, { contract, payload }: Published): void {
  if (contract === postCreated) {
    // What is published as this contract says has these fields.
    const { postId, authorId } = payload as { postId: string; authorId: string };
    trx.onCommit(() => timelines.wrote([{ postId, authorId }]));
  } else if (contract === userFollowed || contract === userUnfollowed) {
    const { followerId } = payload as { followerId: string };
    trx.onCommit(() => timelines.forget([followerId]));
  }
}
