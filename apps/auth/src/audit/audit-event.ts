/** Who did it. An operator works with a command, the system by itself. */
export type AuditActor =
  | { kind: 'user'; id: string }
  | { kind: 'anonymous' }
  | { kind: 'operator'; name: string }
  | { kind: 'system'; name: string };

export type AuditResult = 'succeeded' | 'refused' | 'failed';

/** From where it was done: personal data, so it is sealed. */
export interface AuditOrigin {
  address: string | undefined;
  userAgent: string | undefined;
}

/** What is written down of one thing that happened. */
export interface AuditEntry {
  /** `noun.participle`, such as `session.started` or `password.changed`. */
  action: `${string}.${string}`;
  result: AuditResult;
  actor: AuditActor;
  /** Whom it was done to, where that is a person. */
  subjectId?: string | undefined;
  /** What else it was done to: `{ session: id }`, `{ key: id }`. */
  target?: Readonly<Record<string, string>> | undefined;
  /** What else should be known. Never a secret and never personal: it can be read for as long as the event is kept. */
  details?: Readonly<Record<string, string | number | boolean | readonly string[]>> | undefined;
  /** Personal data of the subject (or else the actor), sealed with the key of that person. */
  personal?: Readonly<Record<string, string>> | undefined;
  from?: AuditOrigin | undefined;
}

/** What was sealed, and with whose key: null is the service's own, for people who are not known. */
export interface SealedPart {
  owner: string | null;
  data: string;
}

/** An event as its row has it: this, as JSON, is what the chain protects. */
export interface AuditBody {
  v: 1;
  id: string;
  /** Milliseconds since 1970. */
  at: number;
  action: string;
  result: AuditResult;
  actor: AuditActor;
  subjectId?: string | undefined;
  target?: AuditEntry['target'];
  details?: AuditEntry['details'];
  personal?: SealedPart | undefined;
  from?: SealedPart | undefined;
  requestId?: string | undefined;
}

export const chainCount = 16;
