import {
  claimRoute,
  dismissRoute,
  hideRoute,
  moderationQueueRoute,
  moderationRecordRoute,
  releaseRoute,
  restoreRoute,
  upholdRoute,
  type ModerationCase as CaseBody,
} from '@rostrum/contracts';
import type { AccessClaims } from '@rostrum/security';
import type { RouteBinder, RouteInput } from '@rostrum/service-kit';
import type { VersionsService } from '../posts/versions.service';
import { personModerationRoutes } from '../person-moderation/person-moderation.routes';
import type { PersonModerationService } from '../person-moderation/person-moderation.service';
import { personOf } from '../profiles/viewer';
import { pageReply } from '../visibility/page-reply';
import type { DecisionsService } from './decisions.service';
import { toCaseBody, type DecisionKind, type ModerationCase } from './moderation-case';
import type { ModerationQueue } from './moderation-queue.service';
import { reportsRoutes, type ReportsFeature } from './reports.routes';
import { withPost } from './with-post';

export interface ModerationFeature extends ReportsFeature {
  queue: ModerationQueue;
  people: PersonModerationService;
  decisions: DecisionsService;
  versions: Pick<VersionsService, 'newest'>;
}

type DecisionCall = RouteInput<{ id: string }, undefined, { reason: string }, AccessClaims>;

const mostVersions = 200;

const stands = (given: ModerationCase): { status: 200; body: CaseBody } => ({
  status: 200,
  body: toCaseBody(given),
});

const done = (): { status: 204 } => ({ status: 204 });

/** What everybody can do, and what takes the permission to moderate. */
export function moderationRoutes(binder: RouteBinder, feature: ModerationFeature): void {
  reportsRoutes(binder, feature);
  personModerationRoutes(binder, feature.people);
  readingRoutes(binder, feature);
  const { decisions } = feature;

  binder.bind(claimRoute, ({ user, params, once }) =>
    once((write) => decisions.claim(personOf(user), params.id.toLowerCase(), write), stands),
  );

  binder.bind(releaseRoute, ({ user, params, once }) =>
    once<void, { status: 204 }>(
      (write) => decisions.release(personOf(user), params.id.toLowerCase(), write),
      done,
    ),
  );

  const decide =
    (kind: DecisionKind) =>
    ({ user, params, body: { reason }, once }: DecisionCall) => {
      const decision = { postId: params.id.toLowerCase(), kind, reason };
      return once((write) => decisions.decide(personOf(user), decision, write), stands);
    };
  binder.bind(hideRoute, decide('hide'));
  binder.bind(restoreRoute, decide('restore'));
  binder.bind(dismissRoute, decide('dismiss'));
  binder.bind(upholdRoute, decide('uphold'));
}

function readingRoutes(binder: RouteBinder, { queue, versions }: ModerationFeature): void {
  binder.bind(moderationQueueRoute, async ({ user, query, signal }) => {
    const { state, cursor, limit } = query;
    const page = await queue.list(user.userId, { state, cursor, limit, signal });
    const path = `${moderationQueueRoute.path}?state=${state}`;
    const items = page.items.map(({ post, rest }) => withPost(post, rest));
    return pageReply({ path, limit, items, nextCursor: page.nextCursor });
  });

  binder.bind(moderationRecordRoute, async ({ user, params, signal }) => {
    const id = params.id.toLowerCase();
    const { post, rest } = await queue.record(user.userId, id, signal);
    const said = post.isTombstone ? [] : await versions.newest(id, mostVersions, signal);
    return { status: 200, raw: withPost(post, { ...rest, versions: said }) };
  });
}
