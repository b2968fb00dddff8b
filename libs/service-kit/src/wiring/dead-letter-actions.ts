import { streams, type ServiceName } from '@rostrum/contracts';
import type { DeadLetter, DeadLetters } from '@rostrum/data-access';
import type { Kit } from '../lifecycle/kit';
import type { AdminAction, OpsReply } from '../ops/admin-actions';
import type { OpenEventBus } from './open-event-bus';

const longestPage = 500;

/**
 * What an operator can do about the events that this service has given up, on a worker's ops port:
 * `GET /admin/dead-letters?from=auth&after=&limit=`, `POST /admin/dead-letters/replay?from=auth&id=` and `…/discard`.
 */
export function deadLetterActions(
  { logger, service }: Kit,
  { bus }: OpenEventBus,
  sources: readonly ServiceName[],
): Record<string, AdminAction> {
  const lettersOf = (query: URLSearchParams): DeadLetters | undefined => {
    const from = sources.find((source) => source === query.get('from'));
    return from && bus.deadLetters(streams[from], service);
  };
  const change =
    (verb: 'replay' | 'discard'): AdminAction =>
    async (query) => {
      const letters = lettersOf(query);
      if (!letters) return unknownSource(sources);
      const id = query.get('id') ?? '';
      const letter = await letters.get(id);
      if (!letter || !(await letters[verb](id))) {
        return { status: 404, body: { error: 'There is no such dead letter' } };
      }
      logger.warn(`Dead letter: ${verb}`, {
        dead_letter: id,
        event_id: letter.event?.id,
        event_type: letter.event?.type,
        from: query.get('from'),
      });
      return { status: 200, body: { done: verb, letter: summaryOf(letter) } };
    };
  return {
    'GET /admin/dead-letters': async (query) => {
      const letters = lettersOf(query);
      if (!letters) return unknownSource(sources);
      const limit = Math.min(Number(query.get('limit')) || 100, longestPage);
      const found = await letters.list({ after: query.get('after') ?? undefined, limit });
      return { status: 200, body: { count: await letters.count(), letters: found } };
    },
    'POST /admin/dead-letters/replay': change('replay'),
    'POST /admin/dead-letters/discard': change('discard'),
  };
}

function unknownSource(sources: readonly ServiceName[]): OpsReply {
  return { status: 400, body: { error: `?from= must be one of ${sources.join(', ')}` } };
}

/** Without what the event says: that may be about people, and is to be asked for. */
function summaryOf({ id, event, reason, attempts }: DeadLetter) {
  return { id, eventId: event?.id, type: event?.type, reason, attempts };
}
