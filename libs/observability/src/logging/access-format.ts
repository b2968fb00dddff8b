import type { RequestContext } from '../context/request-context';
import { redactText } from '../redaction/secret-text';
import type { AccessLine } from './access-line';
import { identityJson, type LogIdentity } from './json-lines';
import { isoTime, jsonString } from './json-text';
import type { LineBuffer } from './line-buffer';
import type { LogLevel } from './log-levels';

const TEXT_MAX = 256;
const MEMORY = 512;

/** Remembers the safe form, without quotes, of texts that come again and again, such as user agents; bounded. */
class SafeTexts {
  private readonly known = new Map<string, Buffer>();

  get(text: string): Buffer {
    return this.known.get(text) ?? this.make(text);
  }

  private make(text: string): Buffer {
    const safe = Buffer.from(jsonString(redactText(text).slice(0, TEXT_MAX)).slice(1, -1));
    if (text.length > TEXT_MAX) return safe;
    if (this.known.size >= MEMORY) this.known.clear();
    this.known.set(text, safe);
    return safe;
  }
}

/** Only small letters, figures, slashes and hyphens: nothing that looks like a secret or has to be escaped. */
function isPlain(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code > 122 || code < 45 || (code > 57 && code < 97) || code === 46) return false;
  }
  return !text.includes('xox'); // how tokens of one vendor begin that consist of nothing else
}

/** The path as it may be written: without its query, without what looks like a secret. */
export function safePath(path: string): string {
  const query = path.indexOf('?');
  return redactText(query === -1 ? path : path.slice(0, query));
}

/** The parts of a line that only depend on method, route and status. */
interface RouteParts {
  message: Buffer;
  fields: Buffer;
}

class RouteMemory {
  private readonly byMethod = new Map<string, Map<string, Map<number, RouteParts>>>();
  private readonly texts = new SafeTexts();
  private size = 0;

  get({ method, route, status }: AccessLine): RouteParts {
    return this.byMethod.get(method)?.get(route)?.get(status) ?? this.make(method, route, status);
  }

  private make(method: string, route: string, status: number): RouteParts {
    const safe = { method: String(this.texts.get(method)), route: String(this.texts.get(route)) };
    const endpoint = `${safe.method} ${safe.route}`;
    const parts = {
      message: Buffer.from(`"${endpoint} ${status}"`),
      fields: Buffer.from(
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

const piece = {
  requestId: Buffer.from(',"request_id":"'),
  traceId: Buffer.from('","trace_id":"'),
  spanId: Buffer.from('","span_id":"'),
  userId: Buffer.from('","user_id":"'),
  quote: Buffer.from('"'),
  duration: Buffer.from('","duration_ms":'),
  point: Buffer.from('.'),
  bytes: Buffer.from(',"bytes":'),
  clientIp: Buffer.from(',"client_ip":"'),
  userAgent: Buffer.from(',"user_agent":"'),
  aborted: Buffer.from(',"aborted":true'),
  weight: Buffer.from(',"sample_weight":'),
  end: Buffer.from('}\n'),
};

function writeCaller(out: LineBuffer, context: RequestContext | undefined): void {
  if (context === undefined) return;
  out.raw(piece.requestId);
  out.jsonText(context.requestId);
  out.raw(piece.traceId);
  out.jsonText(context.traceId);
  out.raw(piece.spanId);
  out.jsonText(context.spanId);
  if (context.userId !== undefined) {
    out.raw(piece.userId);
    out.jsonText(context.userId);
  }
  out.raw(piece.quote);
}

/** Milliseconds with three places, where there are any. */
function writeDuration(out: LineBuffer, ms: number): void {
  const micros = ms > 0 ? Math.round(ms * 1000) : 0;
  const whole = Math.floor(micros / 1000);
  out.integer(whole);
  if (micros === whole * 1000) return;
  out.raw(piece.point);
  out.digits(micros - whole * 1000, 3);
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
 * The prepared serializer of access lines: fixed order, nothing made per line, escaping only where it is needed, and
 * what comes again (the time within a millisecond, routes, user agents) encoded once.
 */
export function createAccessFormat(identity: LogIdentity): (record: AccessRecord, out: LineBuffer) => void {
  const about = identityJson(identity);
  const routes = new RouteMemory();
  const agents = new SafeTexts();
  let headOf = { now: -1, level: 'info' as LogLevel, text: Buffer.alloc(0) };
  const headAt = (now: number, level: LogLevel) => {
    if (headOf.now !== now || headOf.level !== level)
      headOf = { now, level, text: Buffer.from(`{"time":"${isoTime(now)}","level":"${level}"${about}`) };
    return headOf.text;
  };
  return ({ level, line, context, weight, now }, out) => {
    const { path, clientIp, userAgent } = line;
    const { message, fields } = routes.get(line);
    out.raw(headAt(now, level));
    out.raw(message);
    writeCaller(out, context);
    out.raw(fields);
    out.jsonText(isPlain(path) ? path : safePath(path));
    out.raw(piece.duration);
    writeDuration(out, line.durationMs);
    out.raw(piece.bytes);
    out.integer(line.bytes);
    if (clientIp !== undefined) {
      out.raw(piece.clientIp);
      out.jsonText(clientIp);
      out.raw(piece.quote);
    }
    if (userAgent !== undefined) {
      out.raw(piece.userAgent);
      out.raw(agents.get(userAgent));
      out.raw(piece.quote);
    }
    if (line.aborted === true) out.raw(piece.aborted);
    if (weight > 1) {
      out.raw(piece.weight);
      out.integer(weight);
    }
    out.raw(piece.end);
  };
}
