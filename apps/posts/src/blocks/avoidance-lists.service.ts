import { createCursorCodec } from '@rostrum/security';
import type { ListRequest, PeopleList } from '../follows/people-lists.service';
import type { AvoidanceKind, AvoidancesRepository } from './avoidances.repository';

/** People's own lists of whom they have blocked and muted: all of them, or nobody could take it back. */
export class AvoidanceListsService {
  constructor(
    private readonly repositories: Record<AvoidanceKind, Pick<AvoidancesRepository, 'list'>>,
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
}
