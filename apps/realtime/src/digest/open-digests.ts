import { createOutbox, type Database } from '@rostrum/data-access';
import { createEventPublisher, RepeatedWork, type BackgroundWork, type Kit } from '@rostrum/service-kit';
import { DigestEvents } from './digest-events';
import { Digests } from './digests';

/** Asks for the mails of those whose hour has come. */
export function openDigests(
  kit: Kit,
  { digestPollMs }: { digestPollMs: number },
  { database }: { database: Database },
): BackgroundWork {
  const publisher = createEventPublisher(createOutbox({ database, schema: kit.service }));
  const digests = new Digests({ database, publisher, events: new DigestEvents(kit) });
  return new RepeatedWork({
    name: 'digests',
    everyMs: digestPollMs,
    round: () => digests.round(),
    onError: (error) => kit.logger.warn('Digests wait', { error }),
  });
}
