import { z } from 'zod';

/** What an access token says of its holder. */
export const accessClaims = z.object({
  sub: z.uuid(),
  sid: z.uuid(),
  preferred_username: z.string(),
  roles: z.array(z.string()),
  csrf: z.string().optional(),
  iat: z.number(),
  exp: z.number(),
});

export interface AccessClaims {
  userId: string;
  sessionId: string;
  username: string;
  roles: readonly string[];
  /** In a token that travels in a cookie: what the client has to send along to change anything. */
  csrf?: string | undefined;
  /** The key that signed the token. */
  keyId: string;
  /** Seconds since 1970. */
  issuedAt: number;
  /** Seconds since 1970. */
  expiresAt: number;
}

/** RFC 9068: keeps an ID token or any other JWT of the same issuer from being taken for an access token. */
export const accessTokenType = 'at+jwt';

export const accessTokenAlgorithm = 'RS256';
