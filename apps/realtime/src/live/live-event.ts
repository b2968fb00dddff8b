import { ownText } from '../own-text';
import { frameOfText, type Frame } from '../sockets/frame';

/** Something that happened, as it is told on a channel. */
export interface LiveEvent {
  /** The same however often it is told. */
  id: string;
  name: string;
  data: unknown;
  /** ISO 8601. */
  time: string;
  /** Of what caused it. */
  traceparent?: string | undefined;
  /** A post that it tells of: who may not see that is not told. Left out, all who may listen to the channel are. */
  subject?: string | undefined;
}

/** An event in the log of a channel. */
export interface LogEntry {
  offset: number;
  /** When it was put into the log, in ms since 1970, by the clock of Redis. */
  at: number;
  text: string;
}

const noTrace = '-';
const subjectMark = '~';
const idKey = ' "id":"';
const nameKey = '","name":"';

/**
 * `<traceparent>[~<subject>] "id":…,"name":…,"data":…,"time":…`: the end of the frame as it will be sent, so that the processes
 * that hold sockets neither parse nor stringify what they pass on.
 */
export function textOf({ id, name, data, time, traceparent = noTrace, subject }: LiveEvent): string {
  const head = subject === undefined ? traceparent : traceparent + subjectMark + subject;
  return `${head} ${JSON.stringify({ id, name, data, time }).slice(1, -1)}`;
}

export function traceparentOf(text: string): string | undefined {
  const [found = noTrace] = headOf(text).split(subjectMark);
  return found === noTrace ? undefined : ownText(found);
}

/** The post that not everybody may see who is on the channel. */
export function subjectIn(text: string): string | undefined {
  const head = headOf(text);
  const mark = head.indexOf(subjectMark);
  return mark === -1 ? undefined : ownText(head.slice(mark + 1));
}

function headOf(text: string): string {
  return text.slice(0, text.indexOf(' '));
}

/** The event's id, which begins the text. */
export function eventIdOf(text: string): string {
  return valueAfter(idKey, text);
}

/** The event's name, which follows its id. */
export function eventNameOf(text: string): string {
  return valueAfter(nameKey, text);
}

function valueAfter(key: string, text: string): string {
  const start = text.indexOf(key) + key.length;
  return ownText(text.slice(start, text.indexOf('"', start)));
}

/** The message to clients. What is not kept in a log has no offset. */
export function eventFrame(publicName: string, text: string, offset?: number): Frame {
  const place = offset === undefined ? '' : `"offset":${offset},`;
  const tail = text.slice(text.indexOf(' ') + 1);
  return frameOfText('event', `{"type":"event","channel":"${publicName}",${place}`, tail, '}');
}

/** What is published to the processes: an entry of a log, or something that passes by. */
export type Heard =
  | { kind: 'entry'; epoch: string; entry: LogEntry }
  | { kind: 'passing'; text: string }
  | { kind: 'hint' }
  | undefined;

const passing = '* ';
/** Not for clients: what the channel is about may have changed, and has to be looked at. */
export const hintText = '!';
const entryPattern = /^(\S+) (\d+) (\d+) /;
/** What every text begins with: whatever else arrives has not been published by this service. */
const textPattern = /^\S+ "id":"/;

export function passingText(event: LiveEvent): string {
  return passing + textOf(event);
}

export function readHeard(message: string): Heard {
  if (message === hintText) return { kind: 'hint' };
  if (message.startsWith(passing)) {
    const text = message.slice(passing.length);
    return textPattern.test(text) ? { kind: 'passing', text } : undefined;
  }
  const found = entryPattern.exec(message);
  if (!found) return undefined;
  const [head, epoch = '', offset, at] = found;
  const text = message.slice(head.length);
  if (!textPattern.test(text)) return undefined;
  return { kind: 'entry', epoch: ownText(epoch), entry: { offset: Number(offset), at: Number(at), text } };
}
