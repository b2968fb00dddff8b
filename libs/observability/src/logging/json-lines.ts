import type { RequestContext } from '../context/request-context';
import { isoTime, jsonString } from './json-text';
import type { LogEntry } from './log-entry';

/** Who writes the lines. */
export interface LogIdentity {
  service: string;
  version: string;
  environment: string;
}

const OWN_FIELDS = new Set(
  'time level service version environment message request_id trace_id span_id user_id endpoint error'.split(
    ' ',
  ),
);

/** The part of a line that is the same for a whole process. */
export function identityJson({ service, version, environment }: LogIdentity): string {
  return `,"service":${jsonString(service)},"version":${jsonString(version)},"environment":${jsonString(environment)},"message":`;
}

/** Who and what a line belongs to: the ids of a request's context. */
function callerJson(context: RequestContext | undefined): string {
  if (context === undefined) return '';
  const { requestId, traceId, spanId, userId } = context;
  const text = `,"request_id":${jsonString(requestId)},"trace_id":"${traceId}","span_id":"${spanId}"`;
  return userId === undefined ? text : `${text},"user_id":${jsonString(userId)}`;
}

function contextJson(context: RequestContext | undefined): string {
  const endpoint = context?.endpoint;
  return callerJson(context) + (endpoint === undefined ? '' : `,"endpoint":${jsonString(endpoint)}`);
}

/** Writes entries as one line of JSON each, ready for Elasticsearch; a field never occurs twice. */
export function createJsonFormat(identity: LogIdentity): (entry: LogEntry) => string {
  const about = identityJson(identity);
  return ({ level, message, context, error, fields }) => {
    let text = `{"time":"${isoTime(Date.now())}","level":"${level}"${about}${jsonString(message)}${contextJson(context)}`;
    for (const key in fields) {
      const value = JSON.stringify(fields[key]);
      if (value !== undefined) text += `,${jsonString(OWN_FIELDS.has(key) ? `field_${key}` : key)}:${value}`;
    }
    if (error !== undefined) text += `,"error":${JSON.stringify(error)}`;
    return `${text}}`;
  };
}
