import type { PostMedia, PostVisibility } from '@rostrum/contracts';
import type { MediaPicker } from '../media/media-picker';
import type { TextComposer } from '../text/text-composer';
import type { PostReader } from '../visibility/post-reader';
import { postsErrors } from './posts.errors';
import { attempt } from './refusal';

/** What somebody wants to publish. */
export interface PostRequest {
  text: string;
  replyTo?: string | undefined;
  quoteOf?: string | undefined;
  visibility?: PostVisibility | undefined;
  /** Uploads of the author's. */
  media?: readonly string[] | undefined;
}

/** What is known of a new post before its transaction. */
export interface PostPlan {
  text: string;
  facets: Awaited<ReturnType<TextComposer['compose']>>['facets'];
  visibility: PostVisibility;
  media: readonly PostMedia[];
  replyTo: string | null;
  quoteOf: string | null;
  mentioned: readonly string[];
  tags: readonly string[];
}

type Signal = (() => AbortSignal) | undefined;

const noMedia: readonly PostMedia[] = [];

interface Parent {
  authorId: string;
  visibility: PostVisibility;
}

/** Looks at all that a new post names, from its author's point of view. Takes no connection while it waits for another. */
export class PostPlanner {
  constructor(
    private readonly composer: Pick<TextComposer, 'compose'>,
    private readonly reader: Pick<PostReader, 'readOne'>,
    private readonly pictures: Pick<MediaPicker, 'pick'>,
  ) {}

  async plan(authorId: string, request: PostRequest, signal?: Signal): Promise<PostPlan> {
    const { text } = request;
    // Ids are the same in either case, cache keys are not.
    const replyTo = request.replyTo?.toLowerCase() ?? null;
    const quoteOf = request.quoteOf?.toLowerCase() ?? null;
    const [composed, media, parent] = await Promise.all([
      this.composer.compose(authorId, text, signal),
      request.media?.length ? this.pictures.pick(authorId, request.media, { signal }) : noMedia,
      replyTo === null ? undefined : this.parent(authorId, replyTo, signal),
      quoteOf === null ? undefined : this.assertSeen(authorId, quoteOf, signal),
    ]);
    const { facets, tags } = composed;
    const visibility = request.visibility ?? parent?.visibility ?? 'public';
    const mentioned = withParent(composed.mentioned, { authorId, parent, visibility });
    return { text, facets, visibility, media, replyTo, quoteOf, mentioned, tags };
  }

  private async parent(authorId: string, id: string, signal: Signal): Promise<Parent> {
    const { value } = await attempt(this.reader.readOne(authorId, id, signal && { signal }));
    if (!value) throw postsErrors.replyToNotFound();
    return value.facts;
  }

  private async assertSeen(authorId: string, id: string, signal: Signal): Promise<void> {
    const { refusal } = await attempt(this.reader.readOne(authorId, id, signal && { signal }));
    if (refusal) throw postsErrors.quoteOfNotFound();
  }
}

/** A reply that is only for those whom it names is for the one whom it answers, too. */
function withParent(
  mentioned: readonly string[],
  {
    authorId,
    parent,
    visibility,
  }: { authorId: string; parent: Parent | undefined; visibility: PostVisibility },
): readonly string[] {
  if (!parent || visibility !== 'mentioned' || parent.authorId === authorId) return mentioned;
  return [...new Set([...mentioned, parent.authorId])];
}
