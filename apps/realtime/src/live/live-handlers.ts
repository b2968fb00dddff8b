import { randomUUID } from 'node:crypto';
import { messageErrors, type ClientMessage, type MessageErrorCode } from '@rostrum/contracts';
import { isAppError } from '@rostrum/errors';
import { frameOf } from '../sockets/frame';
import { MessageRefusal } from '../sockets/message-refusal';
import { answered, type Answer, type MessageHandlers } from '../sockets/message-router';
import type { AcksStore } from './acks.store';
import { internalName, kindOf } from './channel-names';
import type { LivePublisher } from './live-publisher';
import type { Subscriber } from './membership';
import type { ClientPosition } from './missed-notifications';
import type { Subscriptions } from './subscriptions';

export interface LiveHandlersParts {
  subscriptions: Subscriptions;
  acks: Pick<AcksStore, 'note' | 'find'>;
  publisher: Pick<LivePublisher, 'passing'>;
}

type Since = Extract<ClientMessage, { type: 'subscribe' }>['since'];

const typingEveryMs = 2000;

/** What clients ask of channels. */
export function liveHandlers({ subscriptions, acks, publisher }: LiveHandlersParts): MessageHandlers {
  const positionOf = async (subscriber: Subscriber, channel: string, since: Since) => {
    if (since !== 'acked') return since;
    const { sessionId, userId } = subscriber.user;
    return acks.find(sessionId, internalName(channel, userId));
  };
  return {
    subscribe: async (connection, { id, channel, since }): Promise<Answer> => {
      const position = await positionOf(connection, channel, since);
      await subscriptions.join(connection, { channel, since: position, replyTo: id });
      return answered;
    },
    unsubscribe: (connection, { channel }) => {
      subscriptions.leave(subscriptions.membershipOf(connection, channel));
      return undefined;
    },
    resume: async (connection, { channels }) => {
      await Promise.all(
        channels.map(({ channel, ...since }) => resumeOne(subscriptions, connection, { channel, since })),
      );
      return undefined;
    },
    ack: (connection, { channel, offset }) => {
      const { position, channel: name } = subscriptions.membershipOf(connection, channel);
      if (!position || offset > position.offset) throw new MessageRefusal('INVALID_MESSAGE');
      acks.note(connection.user.sessionId, name, { epoch: position.epoch, offset });
      return undefined;
    },
    typing: async (connection, { channel }) => {
      const membership = subscriptions.membershipOf(connection, channel);
      if (kindOf(membership.channel) !== 'post') throw new MessageRefusal('NOT_SUPPORTED');
      const now = performance.now();
      if (now - membership.typedAt < typingEveryMs) throw new MessageRefusal('TOO_OFTEN');
      membership.typedAt = now;
      // Without a name: who may see the post may still not be one whom this person shows themselves to.
      const event = { id: randomUUID(), name: 'typing', data: {}, time: new Date().toISOString() };
      await publisher.passing(membership.channel, event);
      return undefined;
    },
  };
}

interface Resumed {
  channel: string;
  since: ClientPosition;
}

/** What becomes of one channel is told by itself: the others go on. */
async function resumeOne(
  subscriptions: Subscriptions,
  subscriber: Subscriber,
  resumed: Resumed,
): Promise<void> {
  try {
    await subscriptions.join(subscriber, resumed);
  } catch (error) {
    const code = codeOf(error);
    if (!code) throw error;
    const { channel } = resumed;
    subscriber.send(frameOf({ type: 'error', channel, code, message: messageErrors[code] }));
  }
}

function codeOf(error: unknown): MessageErrorCode | undefined {
  if (error instanceof MessageRefusal) return error.code;
  return isAppError(error) && error.status === 503 ? 'UNAVAILABLE' : undefined;
}
