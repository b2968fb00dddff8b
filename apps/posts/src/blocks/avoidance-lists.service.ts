import { createCursorCodec } from '@rostrum/security';
import type { ListRequest, PeopleList } from '../follows/people-lists.service';
import type { Avoidance, AvoidanceKind, AvoidancesRepository } from './avoidances.repository';

const pairSeparator = '.';

/** People's own lists of whom they have blocked and muted: all of them, or nobody could take it back. */
export class AvoidanceListsService {
  constructor(
    private readonly repositories: Record<AvoidanceKind, Pick<AvoidancesRepository, 'list' | 'all'>>,
    private readonly cursorSecret: string,
  ) {}

  async list(kind: AvoidanceKind, ownerId: string, request: ListRequest): Promise<PeopleList> {
    const { cursor, limit, signal } = request;
    const cursors = createCursorCodec<string>(this.cursorSecret, `${kind}s:${ownerId}`);
    const after = cursor === undefined ? undefined : cursors.decode(cursor);
    // One more than is asked for: whether the list goes on.
    const rows = await this.repositories[kind].list(ownerId, { after, limit: limit + 1 }, { signal });
    const page = rows.slice(0, limit);
    const last = page.at(-1);
    return {
      items: page.map(({ position: _, ...person }) => person),
      nextCursor: rows.length > limit && last ? cursors.encode(last.position) : null,
    };
  }

  /** Everybody's: for other services. */
  async all(
    kind: AvoidanceKind,
    { after, limit }: { after?: string | undefined; limit: number },
    signal: AbortSignal,
  ): Promise<{ items: (Avoidance & { since: string })[]; next: string | null }> {
    const [personId = '', otherId = ''] = after?.split(pairSeparator) ?? [];
    const from = after === undefined ? undefined : { personId, otherId };
    const found = await this.repositories[kind].all({ after: from, limit }, { signal });
    const items = found.map(({ since, ...avoidance }) => ({ ...avoidance, since: since.toISOString() }));
    const last = found.length === limit ? found.at(-1) : undefined;
    return { items, next: last ? last.personId + pairSeparator + last.otherId : null };
  }
}
