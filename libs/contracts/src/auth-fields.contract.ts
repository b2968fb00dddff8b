import { z } from 'zod';
import { timestamp, username, uuid } from './common';

export const authTags = ['auth'] as const;

/** Postgres cannot take a null character, and no keyboard types the other controls or half a character. */
export const typed = z
  .string()
  .refine((text) => text.isWellFormed(), 'must be well-formed Unicode')
  .refine((text) => !/[\u0000-\u001f\u007f]/.test(text), 'must not have control characters');

/** ASCII alone, as mail travels: a domain of other letters is written in its xn-- form. Case does not matter. */
export const emailAddress = z.email().max(254).toLowerCase();

/** A password that is being chosen. */
export const newPassword = typed.min(8).max(128);

/** A password that is being proven: whatever was good enough once has to get through. */
export const knownPassword = typed.min(1).max(128);

/** What a mail had in it for one use: opaque, and nothing is told of what is wrong with one. */
export const mailedToken = z.string().min(1).max(256);

/** For descriptions: an answer that is kept could be read from where it is kept. */
export const takesNoKey = 'It takes no Idempotency-Key: an answer with secrets is kept nowhere.';

export const account = z
  .object({
    id: uuid,
    email: z.email(),
    emailVerified: z.boolean(),
    username,
    roles: z.array(z.string()),
    createdAt: timestamp,
  })
  .meta({ id: 'Account', description: 'What a person sees of their own account' });

export type Account = z.output<typeof account>;

/** Codes of the problems that come with proving a password. */
export const passwordProblems = {
  403: ['PASSWORD_WRONG', 'STEP_UP_REQUIRED'],
  429: ['TOO_MANY_ATTEMPTS'],
  503: ['PASSWORD_HASHING_UNAVAILABLE'],
} as const;

/** Codes of the problems that come with choosing one. */
export const newPasswordProblems = {
  422: ['PASSWORD_TOO_COMMON', 'PASSWORD_BREACHED', 'PASSWORD_TOO_PERSONAL'],
  503: ['PASSWORD_HASHING_UNAVAILABLE'],
} as const;
