import type { Redis } from '@rostrum/data-access';
import { RevocationList, type RemoteKeySet } from '@rostrum/security';
import type { Dependency } from '../health/health-registry';
import type { Kit } from '../lifecycle/kit';
import { RepeatedWork } from '../lifecycle/repeated-work';
import type { BackgroundWork } from '../lifecycle/service';
import { RevocationFollower } from './revocation-follower';

/** How often it looks into the stream. */
const lookEveryMs = 250;

export interface RevocationSources {
  redis: Pick<Redis, 'xread' | 'xrevrange'>;
  /** Where auth publishes its keys; it tells of revocations beside them. */
  jwksUrl: string;
  /** How auth is asked. */
  fetch: (url: URL, init: { signal: AbortSignal; redirect: 'error' }) => Promise<Response>;
  /** Asked anew when other keys are published. */
  keys?: Pick<RemoteKeySet, 'reload'>;
}

export interface FollowedRevocations {
  /** For the token verifier, and for whoever keeps something open on the strength of a token. */
  revocations: RevocationList;
  work: BackgroundWork;
  dependency: Dependency;
}

/**
 * What auth revokes is refused here within five seconds: heard through Redis within one, and asked for over HTTP as
 * soon as Redis has been silent for longer than that.
 */
export function followRevocations(kit: Kit, sources: RevocationSources): FollowedRevocations {
  const { logger, metrics } = kit;
  const overflows = metrics.counter(
    'revocation_overflows_total',
    'Times that all tokens were refused at once',
  );
  overflows.inc(0);
  const revocations = new RevocationList({
    onOverflow: () => {
      overflows.inc();
      logger.warn('There are more revocations than are kept apart: everyone needs a new token');
    },
  });
  const onError = (error: unknown) => logger.debug('Revocations could not be asked for', { error });
  const follower = new RevocationFollower(revocations, { ...sources, onError });
  metrics.gauge('revocations_known', 'Sessions, users and keys whose tokens are refused', {
    collect: (gauge) => gauge.set(revocations.size),
  });
  metrics.gauge('revocations_age_seconds', 'For how long nothing has been heard of revocations', {
    collect: (gauge) => gauge.set(follower.ageMs / 1000),
  });
  return {
    revocations,
    work: new RepeatedWork({
      name: 'revocations',
      everyMs: lookEveryMs,
      round: () => follower.look(),
      onError,
    }),
    dependency: { name: 'revocations', criticality: 'degradable', check: () => follower.check() },
  };
}
