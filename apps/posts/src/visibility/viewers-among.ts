import type { PostRows } from '../posts/posts.repository';
import { toFacts } from '../posts/post-row';
import { asksForFollow, decide } from './decide';
import { personState } from './people';
import { relationsIn, type ViewerRelations } from './viewer-relations';

export interface AudienceSources {
  rows: Pick<PostRows, 'find'>;
  relations: Pick<ViewerRelations, 'read' | 'with' | 'follows'>;
}

export interface AudienceQuestion {
  postId: string;
  viewerIds: readonly string[];
  signal: AbortSignal;
}

/** Of these people those who see the post: decided for all of them together, from its author's side. */
export async function viewersAmong(
  { rows, relations }: AudienceSources,
  { postId, viewerIds, signal }: AudienceQuestion,
): Promise<string[]> {
  // Asked when something has just become of it: no cache has the row, and none needs it.
  const row = await rows.find(postId, { signal });
  if (!row) return [];
  const facts = toFacts(row);
  const author = personState(row.author_private, row.author_gone);
  const { authorId, mentioned } = facts;
  const toOthers = relationsIn(await relations.read(authorId, () => signal));
  const matters = asksForFollow(facts, author);
  const verdicts = await Promise.all(
    viewerIds.map(async (id) => {
      const [{ blocked }, follows] = await Promise.all([
        relations.with({ id: authorId, relations: toOthers }, id, () => signal),
        matters ? relations.follows(id, authorId, () => signal) : Promise.resolve(false),
      ]);
      // Blocks are the same from either side; a mute takes nothing away from who asks for the post itself.
      const how = { isAuthor: id === authorId, mentioned: mentioned.includes(id), muted: false };
      return decide(facts, { author, relation: { ...how, blocked, follows } }, 'direct');
    }),
  );
  return viewerIds.filter((_, index) => verdicts[index] === 'shown');
}
