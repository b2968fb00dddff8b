import { z } from 'zod';
import { timestamp, uuid } from './common';
import { defineEvent } from './define-event';

export const postHidden = defineEvent(
  'post.hidden',
  1,
  z.object({ postId: uuid, authorId: uuid, reason: z.string(), hiddenAt: timestamp }),
);

export const postRestored = defineEvent(
  'post.restored',
  1,
  z.object({ postId: uuid, authorId: uuid, restoredAt: timestamp }),
);

export const postsModerationRoutes = [] as const;

export const postsModerationEvents = [postHidden, postRestored] as const;
