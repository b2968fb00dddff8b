import { z } from 'zod';
import { authAccountRoutes } from './auth-accounts.contract';
import { authAdminRoutes } from './auth-admin.contract';
import { authAuditRoutes } from './auth-audit.contract';
import { authTags as tags } from './auth-fields.contract';
import { authKeysRoutes } from './auth-keys.contract';
import { authMfaRoutes } from './auth-mfa.contract';
import { authPasswordRoutes } from './auth-passwords.contract';
import { authOidcRoutes } from './auth-oidc.contract';
import { authPasskeyRoutes } from './auth-passkeys.contract';
import { authSessionRoutes } from './auth-sessions.contract';
import { verifyRoute } from './auth-verify.contract';
import { timestamp, username, uuid } from './common';
import { defineEvent } from './define-event';
import { defineRoute } from './define-route';

export const jwksRoute = defineRoute({
  method: 'get',
  path: '/.well-known/jwks.json',
  operationId: 'getKeys',
  summary: 'The public keys that verify access tokens',
  tags,
  auth: 'none',
  rateLimit: 'none',
  responses: {
    200: {
      description: 'A JSON Web Key Set',
      schema: z.object({ keys: z.array(z.record(z.string(), z.unknown())) }),
    },
  },
});

export const authRoutes = [
  ...authAccountRoutes,
  ...authSessionRoutes,
  ...authPasswordRoutes,
  ...authMfaRoutes,
  ...authPasskeyRoutes,
  ...authOidcRoutes,
  ...authAdminRoutes,
  ...authKeysRoutes,
  ...authAuditRoutes,
  verifyRoute,
  jwksRoute,
] as const;

/** Carries no email: what other services do not need, they do not get. */
export const userRegistered = defineEvent(
  'user.registered',
  1,
  z.object({ userId: uuid, username, registeredAt: timestamp }),
);

/** The person is gone for good, and whatever is kept of them has to go too. */
export const userDeleted = defineEvent('user.deleted', 1, z.object({ userId: uuid, deletedAt: timestamp }));

/** Until they are restored nobody signs in as them; what others see of them should be gone. */
export const userSuspended = defineEvent(
  'user.suspended',
  1,
  z.object({ userId: uuid, suspendedAt: timestamp }),
);

export const userRestored = defineEvent(
  'user.restored',
  1,
  z.object({ userId: uuid, restoredAt: timestamp }),
);

/** They are to be deleted unless they come back before that; until then what others see of them should be gone. */
export const userDeletionRequested = defineEvent(
  'user.deletionRequested',
  1,
  z.object({ userId: uuid, requestedAt: timestamp }),
);

export const userDeletionWithdrawn = defineEvent(
  'user.deletionWithdrawn',
  1,
  z.object({ userId: uuid, withdrawnAt: timestamp }),
);

export const authEvents = [
  userRegistered,
  userDeletionRequested,
  userDeletionWithdrawn,
  userDeleted,
  userSuspended,
  userRestored,
] as const;
