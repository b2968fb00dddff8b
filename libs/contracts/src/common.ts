import { z } from 'zod';

export const username = z
  .string()
  .regex(/^[a-z0-9_]{3,30}$/, 'must be 3 to 30 of a-z, 0-9 and _')
  .meta({ id: 'Username', example: 'ada' });

export const uuid = z.uuid();

export const timestamp = z.iso.datetime();

export const pageQuery = z.strictObject({
  cursor: z
    .string()
    .max(512)
    .optional()
    .meta({ description: 'Where the page before ended, from its `nextCursor`' }),
  limit: z.coerce.number().int().min(1).max(100).default(20),
});

/** A page of a list: `nextCursor` is null on the last one. */
export const pageOf = <Item extends z.ZodType>(item: Item) =>
  z.object({ items: z.array(item), nextCursor: z.string().nullable() });

export const problemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string().optional(),
    instance: z.string(),
    code: z.string(),
    requestId: z.string(),
    errors: z
      .array(
        z.object({
          in: z.enum(['body', 'query', 'path', 'header']),
          path: z.string(),
          code: z.string(),
          message: z.string(),
        }),
      )
      .optional(),
    policy: z.string().optional().meta({ description: 'The limit that refused the request' }),
    retryAfterSeconds: z.int().optional(),
    backoff: z
      .object({
        strategy: z.literal('exponential'),
        initialSeconds: z.int(),
        multiplier: z.number(),
        maxSeconds: z.int(),
        jitter: z.literal('full'),
      })
      .optional()
      .meta({
        description:
          'How to wait when it is refused again: at random up to a time that is multiplied with each refusal',
      }),
  })
  .meta({ id: 'Problem', description: 'An RFC 9457 problem document' });
