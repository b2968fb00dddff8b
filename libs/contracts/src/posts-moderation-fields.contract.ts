import { z } from 'zod';
import { uuid } from './common';
import { reportReason } from './posts-reports.contract';
import { writtenText } from './posts-text.contract';

/** Somebody who may have left: their name is then no name. */
export const somebody = z.object({ id: uuid, username: z.string() });

export const reporter = somebody.nullable().meta({ description: 'Null where their account is gone' });

const count = z.int().nonnegative();

/** Of what stands in a queue. */
export const reportCounts = z.object({
  count,
  reasons: z.partialRecord(reportReason, count).meta({ description: 'How many for which reason' }),
});

/** What every route of moderators is. */
export const moderated = {
  tags: ['moderation'],
  auth: 'user',
  permission: 'content.moderate',
} as const;

/** What every decision of theirs is, whatever it is about. */
export const decided = {
  ...moderated,
  method: 'post',
  params: z.strictObject({ id: uuid }),
  body: z.strictObject({ reason: writtenText(500) }),
  bodyLimit: '4kb',
  idempotent: true,
} as const;
