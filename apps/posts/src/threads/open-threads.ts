import type { Database } from '@rostrum/data-access';
import type { ProfilesService } from '../profiles/profiles.service';
import type { Visibility } from '../visibility/open-visibility';
import { ThreadsRepository } from './threads.repository';
import { ThreadsService } from './threads.service';

interface ThreadsParts {
  database: Database;
  visibility: Visibility;
  profiles: Pick<ProfilesService, 'idOf'>;
}

export function openThreads(
  { database, visibility, profiles }: ThreadsParts,
  cursorSecret: string,
): ThreadsService {
  const { pages, reader, peopleReader: people } = visibility;
  const threads = new ThreadsRepository(database);
  return new ThreadsService({ threads, pages, reader, people, profiles, cursorSecret });
}
