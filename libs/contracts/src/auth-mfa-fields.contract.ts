import { z } from 'zod';
import { knownPassword, passwordProblems, typed } from './auth-fields.contract';
import { passkeyAssertion } from './auth-passkey-fields.contract';

/** What an app shows for half a minute; people type it with a gap in the middle. */
export const totpCode = z
  .string()
  .max(16)
  .transform((text) => text.replaceAll(/\s/g, ''))
  .pipe(z.string().regex(/^\d{6}$/, 'must be six digits'));

const recoveryCode = typed.min(1).max(32);

/** What shows that somebody has their second factor. */
export const factorProofs = [
  z.strictObject({ method: z.literal('totp'), code: totpCode }),
  z.strictObject({ method: z.literal('recovery-code'), code: recoveryCode }),
  z.strictObject({ method: z.literal('passkey'), credential: passkeyAssertion }),
] as const;

export const secondFactorMethods = ['totp', 'passkey', 'recovery-code'] as const;

export const secondFactors = z.object({
  methods: z.array(z.enum(secondFactorMethods)),
  recoveryCodesLeft: z.int().min(0),
});

/** What is asked of somebody who changes a factor: the password, or a factor that they have. */
export const ownerProof = z.union([z.strictObject({ password: knownPassword }), ...factorProofs]);

export const recoveryCodes = z
  .array(z.string())
  .meta({ description: 'Each is good for one use in place of another factor; they are shown this once' });

/** Codes of the problems that come with such a proof. */
export const secondFactorProblems = { 401: ['SECOND_FACTOR_WRONG'], ...passwordProblems } as const;
