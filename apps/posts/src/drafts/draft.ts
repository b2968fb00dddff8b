import type { Draft as DraftBody, NewDraft, PostVisibility } from '@rostrum/contracts';
import { v7 as uuidv7 } from 'uuid';
import type { PostRequest } from '../posts/post-planner';

export interface Draft {
  id: string;
  authorId: string;
  text: string;
  replyTo: string | null;
  quoteOf: string | null;
  visibility: PostVisibility | null;
  /** Ids of uploads. */
  media: readonly string[];
  publishAt: Date | null;
  /** Why it was not published at its time. */
  failure: string | null;
  createdAt: Date;
  updatedAt: Date;
  version: number;
}

export type DraftContent = Pick<Draft, 'text' | 'replyTo' | 'quoteOf' | 'visibility' | 'media' | 'publishAt'>;

export function contentOf({ text, replyTo, quoteOf, visibility, media, publishAt }: NewDraft): DraftContent {
  return {
    text,
    replyTo: replyTo?.toLowerCase() ?? null,
    quoteOf: quoteOf?.toLowerCase() ?? null,
    visibility: visibility ?? null,
    media: media?.map((id) => id.toLowerCase()) ?? [],
    publishAt: publishAt === undefined ? null : new Date(publishAt),
  };
}

export function newDraftOf(authorId: string, content: DraftContent, now: Date): Draft {
  const times = { createdAt: now, updatedAt: now };
  return { id: uuidv7(), authorId, ...content, failure: null, ...times, version: 1 };
}

/** What it asks for once it is published. */
export function requestOf({ text, replyTo, quoteOf, visibility, media }: Draft): PostRequest {
  return {
    text,
    replyTo: replyTo ?? undefined,
    quoteOf: quoteOf ?? undefined,
    visibility: visibility ?? undefined,
    media,
  };
}

export function toDraftBody({
  authorId: _,
  media,
  publishAt,
  createdAt,
  updatedAt,
  ...draft
}: Draft): DraftBody {
  return {
    ...draft,
    media: [...media],
    publishAt: publishAt && publishAt.toISOString(),
    createdAt: createdAt.toISOString(),
    updatedAt: updatedAt.toISOString(),
  };
}
