import type { Kit, RepeatedWork } from '@rostrum/service-kit';
import type { PostsParts, Publishing } from '../posts/open-posts';
import { DraftsRepository } from './drafts.repository';
import { DraftsService } from './drafts.service';
import { publishDueDrafts } from './publish-due-drafts';

type DraftsParts = Pick<PostsParts, 'database' | 'visibility'>;

export function openDrafts(
  { database, visibility }: DraftsParts,
  { planner, posts }: Publishing,
  cursorSecret: string,
): DraftsService {
  const drafts = new DraftsRepository(database);
  return new DraftsService({ drafts, planner, posts, cache: visibility.postCache, cursorSecret });
}

/** Work for the worker: what is scheduled is published at its time. */
export function openScheduledPosts(
  kit: Kit,
  { database, visibility }: DraftsParts,
  { planner, posts }: Publishing,
): RepeatedWork {
  const { postCache: cache, people } = visibility;
  return publishDueDrafts(kit, { database, planner, posts, cache, people });
}
