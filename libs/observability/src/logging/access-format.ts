import type { RequestContext } from '../context/request-context';
import { redactText } from '../redaction/secret-text';
import type { AccessLine } from './access-line';
import { contextJson, identityJson, type LogIdentity } from './json-lines';
import { isoTime, jsonString } from './json-text';
import type { LogLevel } from './log-levels';

const TEXT_MAX = 256;
const MEMORY = 512;

/** Remembers the safe form, inside its quotes, of texts that come again and again, such as user agents; bounded. */
class SafeTexts {
  private readonly known = new Map<string, string>();

  get(text: string): string {
    return this.known.get(text) ?? this.make(text);
  }

  private make(text: string): string {
    const safe = jsonString(redactText(text).slice(0, TEXT_MAX)).slice(1, -1);
    if (text.length > TEXT_MAX) return safe;
    if (this.known.size >= MEMORY) this.known.clear();
    this.known.set(text, safe);
    return safe;
  }
}

/** The path as it may be written: without its query, without what looks like a secret. */
export function safePath(path: string): string {
  const query = path.indexOf('?');
  return redactText(query === -1 ? path : path.slice(0, query));
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

/** The prepared serializer of access lines: fixed order, no object made, escaping only where it is needed. */
export function createAccessFormat(identity: LogIdentity): (record: AccessRecord) => string {
  const about = identityJson(identity);
  const texts = new SafeTexts();
  return ({ level, line, context, weight, now }) => {
    const { status, clientIp, userAgent } = line;
    const method = texts.get(line.method);
    const route = texts.get(line.route);
    let text =
      `{"time":"${isoTime(now)}","level":"${level}"${about}"${method} ${route} ${status}"${contextJson(context)}` +
      `,"method":"${method}","route":"${route}","path":${jsonString(safePath(line.path))},"status":${status}` +
      `,"duration_ms":${Math.round(line.durationMs * 1000) / 1000},"bytes":${line.bytes}`;
    if (clientIp !== undefined) text += `,"client_ip":${jsonString(clientIp)}`;
    if (userAgent !== undefined) text += `,"user_agent":"${texts.get(userAgent)}"`;
    if (line.aborted === true) text += ',"aborted":true';
    if (weight > 1) text += `,"sample_weight":${weight}`;
    return `${text}}\n`;
  };
}
