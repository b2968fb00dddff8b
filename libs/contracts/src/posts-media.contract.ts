import { z } from 'zod';
import { uuid } from './common';

/** A picture or film as part of a post. */
export const postMedia = z
  .object({
    id: uuid,
    type: z.string().meta({ description: 'Its media type, as found in its bytes', example: 'image/webp' }),
    url: z.string(),
    width: z.int().positive(),
    height: z.int().positive(),
    alt: z.string(),
  })
  .meta({ id: 'PostMedia' });

export type PostMedia = z.output<typeof postMedia>;

export const postsMediaRoutes = [] as const;
