import {
  allAvoidancesRoute,
  blockRoute,
  listBlocksRoute,
  listMutesRoute,
  muteRoute,
  unblockRoute,
  unmuteRoute,
} from '@rostrum/contracts';
import type { AccessClaims } from '@rostrum/security';
import type { RouteBinder, RouteInput } from '@rostrum/service-kit';
import { peopleReply } from '../follows/people-reply';
import { personOf } from '../profiles/viewer';
import type { AvoidanceListsService } from './avoidance-lists.service';
import type { AvoidanceKind } from './avoidances.repository';
import type { BlocksService } from './blocks.service';

export interface BlocksFeature {
  blocks: BlocksService;
  lists: AvoidanceListsService;
}

const done = (): { status: 204 } => ({ status: 204 });

type Change = RouteInput<{ username: string }, undefined, undefined, AccessClaims>;
type List = RouteInput<undefined, { cursor?: string | undefined; limit: number }, undefined, AccessClaims>;

export function blocksRoutes(binder: RouteBinder, { blocks, lists }: BlocksFeature): void {
  const change =
    (what: 'block' | 'unblock' | 'mute' | 'unmute') =>
    ({ user, params, signal, once }: Change) =>
      once<void, { status: 204 }>(
        (write) => blocks[what](personOf(user), params.username, { write, signal }),
        done,
      );
  const list =
    (kind: AvoidanceKind, { path }: { path: string }) =>
    async ({ user, query: { cursor, limit }, signal }: List) =>
      peopleReply(path, limit, await lists.list(kind, user.userId, { cursor, limit, signal }));

  binder.bind(blockRoute, change('block'));
  binder.bind(unblockRoute, change('unblock'));
  binder.bind(muteRoute, change('mute'));
  binder.bind(unmuteRoute, change('unmute'));
  binder.bind(listBlocksRoute, list('block', listBlocksRoute));
  binder.bind(listMutesRoute, list('mute', listMutesRoute));
  binder.bind(allAvoidancesRoute, async ({ query: { kind, ...page }, signal }) => ({
    status: 200,
    body: await lists.all(kind, page, signal),
  }));
}
