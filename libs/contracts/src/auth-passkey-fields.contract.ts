import { z } from 'zod';

const base64url = z
  .string()
  .regex(/^[\w-]*$/, 'must be base64url')
  .max(4096);

/** What a browser answers when a passkey was used; its shape is the standard's. */
export const passkeyAssertion = z
  .object({
    id: base64url.min(1),
    rawId: base64url.min(1),
    type: z.literal('public-key'),
    response: z.object({
      clientDataJSON: base64url,
      authenticatorData: base64url,
      signature: base64url,
      userHandle: base64url.optional(),
    }),
    clientExtensionResults: z.record(z.string(), z.unknown()).default({}),
    authenticatorAttachment: z.enum(['platform', 'cross-platform']).optional(),
  })
  .meta({ id: 'PasskeyAssertion' });

export type PasskeyAssertion = z.output<typeof passkeyAssertion>;
