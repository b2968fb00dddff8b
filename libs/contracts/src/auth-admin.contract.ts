import { z } from 'zod';
import { typed } from './auth-fields.contract';
import { pageOf, pageQuery, timestamp, uuid } from './common';
import { defineRoute } from './define-route';

const tags = ['auth admin'] as const;
const users = '/api/v1/auth/admin/users';
const whom = z.strictObject({ id: uuid });
const notFound = ['NOT_FOUND'] as const;

export const adminUser = z
  .object({
    id: uuid,
    username: z.string(),
    email: z.string().nullable(),
    emailVerified: z.boolean(),
    roles: z.array(z.string()),
    createdAt: timestamp,
    suspendedAt: timestamp.nullable(),
    deletionRequestedAt: timestamp.nullable(),
  })
  .meta({ id: 'AdminUser', description: 'What an admin sees of an account' });

export type AdminUser = z.output<typeof adminUser>;

const reason = z.strictObject({ reason: typed.min(1).max(500) });
const user200 = { 200: { description: 'The account as it is now', schema: adminUser } };

export const listUsersRoute = defineRoute({
  method: 'get',
  path: users,
  operationId: 'adminListUsers',
  summary: 'List and search accounts, newest first',
  tags,
  auth: 'user',
  permission: 'users.read',
  query: pageQuery.extend({
    q: z
      .string()
      .min(1)
      .max(254)
      .toLowerCase()
      .optional()
      .meta({ description: 'How a username begins, or a whole email address' }),
    role: z.enum(['moderator', 'admin']).optional(),
    status: z.enum(['active', 'suspended', 'leaving']).optional(),
  }),
  responses: {
    200: {
      description: 'A page of accounts',
      schema: pageOf(adminUser).meta({ id: 'AdminUserPage' }),
      headers: { Link: 'The next page, as rel="next"' },
    },
  },
  problems: { 400: ['INVALID_CURSOR'] },
});

export const getUserRoute = defineRoute({
  method: 'get',
  path: `${users}/:id`,
  operationId: 'adminGetUser',
  summary: 'Read an account',
  tags,
  auth: 'user',
  permission: 'users.read',
  params: whom,
  responses: { 200: { description: 'The account', schema: adminUser } },
  problems: { 404: notFound },
});

export const suspendUserRoute = defineRoute({
  method: 'post',
  path: `${users}/:id/suspend`,
  operationId: 'adminSuspendUser',
  summary: 'Suspend an account: its sessions end everywhere within seconds, and it cannot sign in',
  tags,
  auth: 'user',
  permission: 'users.suspend',
  params: whom,
  body: reason,
  bodyLimit: '4kb',
  idempotent: true,
  responses: user200,
  problems: { 404: notFound, 409: ['LAST_ADMIN', 'OWN_ACCOUNT'] },
});

export const restoreUserRoute = defineRoute({
  method: 'post',
  path: `${users}/:id/restore`,
  operationId: 'adminRestoreUser',
  summary: 'Let a suspended account sign in again',
  tags,
  auth: 'user',
  permission: 'users.suspend',
  params: whom,
  idempotent: true,
  responses: user200,
  problems: { 404: notFound },
});

const roleOfUser = whom.extend({ role: z.enum(['moderator', 'admin']) });

export const grantRoleRoute = defineRoute({
  method: 'put',
  path: `${users}/:id/roles/:role`,
  operationId: 'adminGrantRole',
  summary: 'Give somebody a role; their next token has it',
  tags,
  auth: 'user',
  permission: 'roles.change',
  params: roleOfUser,
  idempotent: true,
  responses: user200,
  problems: { 404: notFound },
});

export const takeRoleRoute = defineRoute({
  method: 'delete',
  path: `${users}/:id/roles/:role`,
  operationId: 'adminTakeRole',
  summary: 'Take a role from somebody; tokens that have it are refused within seconds',
  tags,
  auth: 'user',
  permission: 'roles.change',
  params: roleOfUser,
  idempotent: true,
  responses: user200,
  problems: { 404: notFound, 409: ['LAST_ADMIN'] },
});

export const endUserSessionsRoute = defineRoute({
  method: 'delete',
  path: `${users}/:id/sessions`,
  operationId: 'adminEndUserSessions',
  summary: 'End all sessions of somebody',
  tags,
  auth: 'user',
  permission: 'sessions.end',
  params: whom,
  idempotent: true,
  responses: {
    200: { description: 'How many there were', schema: z.object({ ended: z.int().nonnegative() }) },
  },
  problems: { 404: notFound },
});

export const authAdminRoutes = [
  listUsersRoute,
  getUserRoute,
  suspendUserRoute,
  restoreUserRoute,
  grantRoleRoute,
  takeRoleRoute,
  endUserSessionsRoute,
] as const;
