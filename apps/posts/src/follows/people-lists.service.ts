import type { Person as PersonBody } from '@rostrum/contracts';
import { createCursorCodec } from '@rostrum/security';
import { profilesErrors } from '../profiles/profiles.errors';
import type { PersonRow } from '../profiles/profiles.repository';
import type { ProfilesService } from '../profiles/profiles.service';
import type { PeoplePages } from '../visibility/people-pages';
import type { PeopleReader } from '../visibility/people-reader';
import type { Follow, FollowsRepository, PageOfPeople } from './follows.repository';
import type { RequestsRepository } from './requests.repository';

export interface ListRequest {
  cursor: string | undefined;
  limit: number;
  signal: AbortSignal;
}

export interface PeopleList {
  items: PersonBody[];
  nextCursor: string | null;
}

export interface PeopleListsDependencies {
  follows: Pick<FollowsRepository, 'followersOf' | 'followedBy' | 'all'>;
  requests: Pick<RequestsRepository, 'to'>;
  pages: Pick<PeoplePages, 'page'>;
  people: Pick<PeopleReader, 'isVisible' | 'seesPostsOf'>;
  profiles: Pick<ProfilesService, 'idOf'>;
  cursorSecret: string;
}

interface List {
  /** Whose cursors are no other list's. */
  name: string;
  rows: (page: PageOfPeople) => Promise<PersonRow[]>;
}

const pairSeparator = '.';

/** Lists of people that the follows and the requests make. */
export class PeopleListsService {
  constructor(private readonly dependencies: PeopleListsDependencies) {}

  async followers(viewerId: string, username: string, request: ListRequest): Promise<PeopleList> {
    const { follows } = this.dependencies;
    const { signal } = request;
    const id = await this.openTo(viewerId, username, signal);
    const rows = (page: PageOfPeople) => follows.followersOf(id, page, { signal });
    return this.list(viewerId, { name: `followers:${id}`, rows }, request);
  }

  async following(viewerId: string, username: string, request: ListRequest): Promise<PeopleList> {
    const { follows } = this.dependencies;
    const { signal } = request;
    const id = await this.openTo(viewerId, username, signal);
    const rows = (page: PageOfPeople) => follows.followedBy(id, page, { signal });
    return this.list(viewerId, { name: `following:${id}`, rows }, request);
  }

  requests(ownerId: string, request: ListRequest): Promise<PeopleList> {
    const { requests } = this.dependencies;
    const rows = (page: PageOfPeople) => requests.to(ownerId, page, { signal: request.signal });
    return this.list(ownerId, { name: 'follow-requests', rows }, request);
  }

  /** Of everybody, whoever asks: for other services. */
  async all(
    { after, limit }: { after: string | undefined; limit: number },
    signal: AbortSignal,
  ): Promise<{ items: (Follow & { followedAt: string })[]; next: string | null }> {
    const [followerId = '', followeeId = ''] = after?.split(pairSeparator) ?? [];
    const from = after === undefined ? undefined : { followerId, followeeId };
    const found = await this.dependencies.follows.all({ after: from, limit }, { signal });
    const items = found.map(({ followedAt, ...follow }) => ({
      ...follow,
      followedAt: followedAt.toISOString(),
    }));
    const last = found.length === limit ? found.at(-1) : undefined;
    return { items, next: last ? last.followerId + pairSeparator + last.followeeId : null };
  }

  /** The id of a person whose lists the viewer may read: those of a private account are for its followers. */
  private async openTo(viewerId: string, username: string, signal: AbortSignal): Promise<string> {
    const { profiles, people } = this.dependencies;
    const how = { signal: () => signal };
    const id = await profiles.idOf(username, how.signal);
    if (id === undefined || !(await people.isVisible(viewerId, id, how))) throw profilesErrors.notFound();
    if (!(await people.seesPostsOf(viewerId, id, how))) throw profilesErrors.accountPrivate();
    return id;
  }

  private async list(viewerId: string, { name, rows }: List, request: ListRequest): Promise<PeopleList> {
    const { pages, cursorSecret } = this.dependencies;
    const { cursor, limit, signal } = request;
    const cursors = createCursorCodec<string>(cursorSecret, `${name}:${viewerId}`);
    const { shown, next } = await pages.page<PersonRow>(
      viewerId,
      {
        source: (after, most) => rows({ after, limit: most }),
        after: cursor === undefined ? undefined : cursors.decode(cursor),
        limit,
      },
      { signal: () => signal },
    );
    return {
      items: shown.map(({ position: _, ...person }) => person),
      nextCursor: next === undefined ? null : cursors.encode(next),
    };
  }
}
