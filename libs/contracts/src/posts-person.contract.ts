import { z } from 'zod';
import { pageOf, username, uuid } from './common';

/** Somebody in a list of people: what it takes to show them there. Their profile says more. */
export const person = z
  .object({
    id: uuid,
    username,
    displayName: z.string().nullable(),
    avatarId: uuid.nullable(),
  })
  .meta({ id: 'Person', description: 'Somebody in a list of people' });

export type Person = z.output<typeof person>;

/** A page of people. It may hold fewer than were asked for: the list ends where `nextCursor` is null. */
export const personPage = pageOf(person).meta({ id: 'PersonPage' });
