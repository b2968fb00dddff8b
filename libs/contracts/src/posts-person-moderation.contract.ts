import { z } from 'zod';
import { pageOf, pageQuery, timestamp, username, uuid } from './common';
import { defineRoute } from './define-route';
import { decided, moderated, reportCounts, reporter, somebody } from './posts-moderation-fields.contract';
import { newPostReport, reportReason } from './posts-reports.contract';

const people = '/api/v1/posts/moderation/people';
const params = z.strictObject({ id: uuid });
const own = 'OWN_ACCOUNT';

export const newPersonReport = newPostReport;

export const personReport = z
  .object({
    id: uuid,
    username,
    reason: reportReason,
    note: z.string().nullable(),
    createdAt: timestamp,
  })
  .meta({ id: 'PersonReport', description: 'What you have told the moderators of a person' });

export type PersonReport = z.output<typeof personReport>;

export const reportPersonRoute = defineRoute({
  method: 'post',
  path: '/api/v1/users/:username/reports',
  operationId: 'reportPerson',
  summary: 'Tell the moderators of a person',
  description:
    'Once for each person: whoever does it again is answered what they have said before. Also who has blocked you can be reported. They never learn of it.',
  tags: moderated.tags,
  auth: 'user',
  params: z.strictObject({ username }),
  body: newPersonReport,
  bodyLimit: '16kb',
  idempotent: true,
  responses: { 201: { description: 'The report, made now or before', schema: personReport } },
  problems: { 404: ['NOT_FOUND'], 409: [own] },
});

export const personCaseState = z.enum(['open', 'escalated', 'closed']).meta({
  id: 'PersonCaseState',
  description: 'Where a person stands; those `escalated` wait for an admin, who can suspend them',
});

export type PersonCaseState = z.output<typeof personCaseState>;

export const personCase = z
  .object({ person: somebody, state: personCaseState, since: timestamp })
  .meta({ id: 'PersonCase', description: 'Where a person stands with the moderators' });

export type PersonCase = z.output<typeof personCase>;

export const personQueueItem = personCase.extend({ reports: reportCounts }).meta({ id: 'PersonQueueItem' });

export type PersonQueueItem = z.output<typeof personQueueItem>;

export const personQueueRoute = defineRoute({
  method: 'get',
  path: people,
  operationId: 'listReportedPeople',
  summary: 'Read the people who stand so with the moderators, longest first',
  description: 'Not yourself, nor who has left. Reports are those since the case was closed last.',
  ...moderated,
  query: pageQuery.extend({ state: personCaseState.default('open') }),
  responses: {
    200: {
      description: 'A page of people',
      schema: pageOf(personQueueItem).meta({ id: 'PersonQueuePage' }),
      headers: { Link: 'The next page, as rel="next"' },
    },
  },
  problems: { 400: ['INVALID_CURSOR'] },
});

export const personRecordRoute = defineRoute({
  method: 'get',
  path: `${people}/:id`,
  operationId: 'getPersonModerationRecord',
  summary: 'Read who has reported a person, and what moderators have done',
  description: 'Of each the newest 200.',
  ...moderated,
  params,
  responses: {
    200: {
      description: 'The record',
      schema: z
        .object({
          case: personCase,
          reports: z.array(
            z.object({
              id: uuid,
              reporter,
              reason: reportReason,
              note: z.string().nullable(),
              createdAt: timestamp,
            }),
          ),
          log: z.array(
            z.object({
              id: uuid,
              kind: z.enum(['escalated', 'closed']),
              moderator: somebody,
              reason: z.string(),
              at: timestamp,
            }),
          ),
        })
        .meta({ id: 'PersonModerationRecord' }),
    },
  },
  problems: { 404: ['NOT_FOUND'], 409: [own] },
});

const decision = {
  ...decided,
  responses: { 200: { description: 'Where the person stands now', schema: personCase } },
} as const;

export const escalatePersonRoute = defineRoute({
  ...decision,
  path: `${people}/:id/escalate`,
  operationId: 'escalatePerson',
  summary: 'Leave a reported person to the admins, who can suspend them',
  problems: { 404: ['NOT_FOUND'], 409: [own, 'NOTHING_TO_DECIDE'] },
});

export const closePersonRoute = defineRoute({
  ...decision,
  path: `${people}/:id/close`,
  operationId: 'closePersonCase',
  summary: 'Be done with the reports of a person',
  description: 'Nobody is told. A new reporter opens the case again.',
  problems: { 404: ['NOT_FOUND'], 409: [own, 'NOTHING_TO_DECIDE'] },
});

export const postsPersonModerationRoutes = [
  reportPersonRoute,
  personQueueRoute,
  personRecordRoute,
  escalatePersonRoute,
  closePersonRoute,
] as const;
