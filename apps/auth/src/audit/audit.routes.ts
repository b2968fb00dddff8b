import {
  listAuditRoute,
  verifyAuditRoute,
  type AuditEventBody,
  type AuditReportBody,
} from '@rostrum/contracts';
import type { RouteBinder } from '@rostrum/service-kit';
import { adminOf, nextPage } from '../admin/admin-requests';
import type { AuditAdmin, ReadEvent } from './audit-admin';
import type { AuditReport } from './audit-verifier';

/** Within what a gateway waits for; a log that takes longer is verified by the command. */
const verifyWithinMs = 20_000;

export function auditRoutes(binder: RouteBinder, audit: AuditAdmin): void {
  binder.bind(listAuditRoute, async (input) => {
    const { events, nextCursor } = await audit.list(input.query, adminOf(input));
    const body = { items: events.map(toEventBody), nextCursor };
    return { status: 200, body, headers: nextPage(input, nextCursor) };
  });

  binder.bind(verifyAuditRoute, async (input) => {
    const signal = AbortSignal.any([input.signal, AbortSignal.timeout(verifyWithinMs)]);
    const report = await audit.verify({ anchors: input.body.anchors, signal }, adminOf(input));
    return { status: 200, body: toReportBody(report) };
  });
}

function toEventBody({ chain, seq, body, revealed }: ReadEvent): AuditEventBody {
  const { id, at, action, result, actor, subjectId, target, details, requestId } = body;
  return {
    id,
    chain,
    seq,
    at: new Date(at).toISOString(),
    action,
    result,
    actor,
    ...(subjectId !== undefined && { subjectId }),
    ...(target && { target: { ...target } }),
    ...(details && { details: { ...details } }),
    ...(requestId !== undefined && { requestId }),
    ...revealed,
  };
}

function toReportBody({ lastCheckpoint, findings, ...report }: AuditReport): AuditReportBody {
  return {
    ...report,
    findings: [...findings],
    lastCheckpoint: lastCheckpoint
      ? { ...lastCheckpoint, at: new Date(lastCheckpoint.at).toISOString() }
      : null,
  };
}
