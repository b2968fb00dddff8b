import { z } from 'zod';
import { pageOf, pageQuery, timestamp, uuid } from './common';
import { defineRoute } from './define-route';

const tags = ['auth admin'] as const;
const audit = '/api/v1/auth/admin/audit';
const personalPart = z.record(z.string(), z.string()).nullable();

export const auditEvent = z
  .object({
    id: uuid,
    chain: z.int(),
    seq: z.int(),
    at: timestamp,
    action: z.string(),
    result: z.string(),
    actor: z.object({ kind: z.string(), id: z.string().optional(), name: z.string().optional() }),
    subjectId: uuid.optional(),
    target: z.record(z.string(), z.string()).optional(),
    details: z.record(z.string(), z.unknown()).optional(),
    requestId: z.string().optional(),
    from: personalPart
      .optional()
      .meta({ description: 'From where; null where the person has been forgotten' }),
    personal: personalPart.optional(),
  })
  .meta({ id: 'AuditEvent' });

export type AuditEventBody = z.output<typeof auditEvent>;

export const listAuditRoute = defineRoute({
  method: 'get',
  path: audit,
  operationId: 'adminListAuditEvents',
  summary: 'Read the audit log, newest first',
  tags,
  auth: 'user',
  permission: 'audit.read',
  query: pageQuery.extend({
    actorId: uuid.optional(),
    subjectId: uuid.optional(),
    action: z
      .string()
      .regex(/^[a-z_]+(\.[a-z_-]+)?$/)
      .max(64)
      .optional()
      .meta({
        description: 'An action such as session.started, or the part before its point for all of them',
      }),
    since: timestamp.optional(),
    until: timestamp.optional(),
  }),
  responses: {
    200: {
      description: 'A page of events',
      schema: pageOf(auditEvent).meta({ id: 'AuditEventPage' }),
      headers: { Link: 'The next page, as rel="next"' },
    },
  },
  problems: { 400: ['INVALID_CURSOR'] },
});

const checkpoint = z.object({ position: z.int().positive(), hash: z.string() });

export const auditReport = z
  .object({
    intact: z.boolean().meta({ description: 'Nothing that was looked at shows a sign of tampering' }),
    complete: z.boolean().meta({ description: 'False where the time did not suffice for all of it' }),
    events: z.int(),
    unproven: z.int().meta({ description: 'Events since the last signed checkpoint' }),
    checkpoints: z.int(),
    lastCheckpoint: checkpoint.extend({ at: timestamp }).nullable(),
    findingCount: z.int(),
    findings: z.array(
      z.object({
        kind: z.string(),
        chain: z.int().optional(),
        seq: z.int().optional(),
        position: z.int().optional(),
      }),
    ),
  })
  .meta({ id: 'AuditReport' });

export type AuditReportBody = z.output<typeof auditReport>;

export const verifyAuditRoute = defineRoute({
  method: 'post',
  path: `${audit}/verify`,
  operationId: 'adminVerifyAudit',
  summary: 'Look for signs of tampering in the whole audit log',
  tags,
  auth: 'user',
  permission: 'audit.read',
  body: z.strictObject({
    anchors: z
      .array(checkpoint)
      .max(100)
      .default([])
      .meta({ description: 'Checkpoints that were noted elsewhere, for example in the logs' }),
  }),
  bodyLimit: '16kb',
  responses: { 200: { description: 'What was found', schema: auditReport } },
  problems: { 409: ['VERIFICATION_UNDER_WAY'] },
});

export const authAuditRoutes = [listAuditRoute, verifyAuditRoute] as const;
