import type { RequestContext } from '../context/request-context';
import { KnownTexts } from '../redaction/known-texts';
import { isPlain, redactText } from '../redaction/secret-text';
import type { AccessLine } from './access-line';
import { identityJson, type LogIdentity } from './json-lines';
import { flat, isoTime, jsonString, needsEscape } from './json-text';
import type { LogLevel } from './log-levels';

const TEXT_MAX = 256;
const MEMORY = 512;

/** As inside the quotes of a JSON string. */
const escaped = (text: string) => jsonString(text).slice(1, -1);

/** The safe form, without quotes, of texts that come again and again. */
const safeTexts = () => new KnownTexts((text) => flat(escaped(redactText(text).slice(0, TEXT_MAX))));

/** The path as it may be written: without its query, without what looks like a secret. */
export function safePath(path: string): string {
  const query = path.indexOf('?');
  return redactText(query === -1 ? path : path.slice(0, query));
}

/** The parts of a line that only depend on method, route and status. */
interface RouteParts {
  message: string;
  fields: string;
}

class RouteMemory {
  private readonly byMethod = new Map<string, Map<string, Map<number, RouteParts>>>();
  private readonly texts = safeTexts();
  private size = 0;

  get({ method, route, status }: AccessLine): RouteParts {
    return this.byMethod.get(method)?.get(route)?.get(status) ?? this.make(method, route, status);
  }

  private make(method: string, route: string, status: number): RouteParts {
    const safe = { method: this.texts.get(method), route: this.texts.get(route) };
    const endpoint = `${safe.method} ${safe.route}`;
    const parts = {
      message: flat(`"${endpoint} ${status}"`),
      fields: flat(
        `,"endpoint":"${endpoint}","method":"${safe.method}","route":"${safe.route}","status":${status},"path":"`,
      ),
    };
    if (++this.size > MEMORY) {
      this.byMethod.clear();
      this.size = 1;
    }
    const routes = this.byMethod.get(method) ?? new Map<string, Map<number, RouteParts>>();
    const statuses = routes.get(route) ?? new Map<number, RouteParts>();
    this.byMethod.set(method, routes.set(route, statuses.set(status, parts)));
    return parts;
  }
}

/** Who and what the line belongs to. Ids are looked at together: a look costs more than its length. */
function callerJson(context: RequestContext | undefined): string {
  if (context === undefined) return '';
  let { requestId, userId } = context;
  if (needsEscape(userId === undefined ? requestId : requestId + userId)) {
    requestId = escaped(requestId);
    userId = userId && escaped(userId);
  }
  const user = userId === undefined ? '"' : `","user_id":"${userId}"`;
  return `,"request_id":"${requestId}","trace_id":"${context.traceId}","span_id":"${context.spanId}${user}`;
}

/** Milliseconds with three places; whole numbers turn into text much faster than fractions. */
function durationJson(ms: number): string {
  const micros = ms > 0 ? Math.round(ms * 1000) : 0;
  const whole = Math.floor(micros / 1000);
  const rest = micros - whole * 1000;
  return rest === 0 ? String(whole) : `${whole}.${rest < 10 ? '00' : rest < 100 ? '0' : ''}${rest}`;
}

/** One line to write, and what the writer has found out about it. */
export interface AccessRecord {
  level: LogLevel;
  line: AccessLine;
  context: RequestContext | undefined;
  /** For how many requests the line stands. */
  weight: number;
  now: number;
}

/**
 * The prepared serializer of access lines: fixed order, no object made, escaping only where it is needed, and what
 * comes again (the time within a millisecond, routes, user agents) made once.
 */
export function createAccessFormat(identity: LogIdentity): (record: AccessRecord) => string {
  const about = flat(identityJson(identity));
  const routes = new RouteMemory();
  const agents = safeTexts();
  let headOf = { now: -1, level: 'info' as LogLevel, text: '' };
  const headAt = (now: number, level: LogLevel) => {
    if (headOf.now !== now || headOf.level !== level)
      headOf = { now, level, text: flat(`{"time":"${isoTime(now)}","level":"${level}"${about}`) };
    return headOf.text;
  };
  return ({ level, line, context, weight, now }) => {
    const { path, clientIp, userAgent } = line;
    const { message, fields } = routes.get(line);
    const safe = isPlain(path) ? path : escaped(safePath(path));
    let text = `${headAt(now, level)}${message}${callerJson(context)}${fields}${safe}","duration_ms":${durationJson(line.durationMs)},"bytes":${line.bytes}`;
    if (clientIp !== undefined) text += `,"client_ip":${jsonString(clientIp)}`;
    if (userAgent !== undefined) text += `,"user_agent":"${agents.get(userAgent)}"`;
    if (line.aborted === true) text += ',"aborted":true';
    if (weight > 1) text += `,"sample_weight":${weight}`;
    return `${text}}\n`;
  };
}
