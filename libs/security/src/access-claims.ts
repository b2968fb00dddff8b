import { z } from 'zod';

/** What an access token says of its holder. */
export const accessClaims = z.object({
  sub: z.uuid(),
  sid: z.uuid(),
  preferred_username: z.string(),
  roles: z.array(z.string()),
  exp: z.number(),
});

export interface AccessClaims {
  userId: string;
  sessionId: string;
  username: string;
  roles: readonly string[];
  /** Seconds since 1970. */
  expiresAt: number;
}

/** RFC 9068: keeps an ID token or any other JWT of the same issuer from being taken for an access token. */
export const accessTokenType = 'at+jwt';

export const accessTokenAlgorithm = 'RS256';
