import { z } from 'zod';

export const base64url = (longest: number) =>
  z
    .string()
    .regex(/^[\w-]*$/, 'must be base64url')
    .max(longest);

const bytes = base64url(4096);

/** What a browser answers when a passkey was used; its shape is the standard's. */
export const passkeyAssertion = z
  .object({
    id: bytes.min(1),
    rawId: bytes.min(1),
    type: z.literal('public-key'),
    response: z.object({
      clientDataJSON: bytes,
      authenticatorData: bytes,
      signature: bytes,
      userHandle: bytes.optional(),
    }),
    clientExtensionResults: z.record(z.string(), z.unknown()).default({}),
    authenticatorAttachment: z.enum(['platform', 'cross-platform']).optional(),
  })
  .meta({ id: 'PasskeyAssertion' });

export type PasskeyAssertion = z.output<typeof passkeyAssertion>;
