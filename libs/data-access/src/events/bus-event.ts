/** A fact that has happened, as it travels between services. */
export interface BusEvent {
  id: string;
  type: string;
  version: number;
  /** Events of one key are handled in the order in which they happened. */
  key: string;
  /** ISO 8601. */
  occurredAt: string;
  /** W3C trace context of what made it happen. */
  traceparent?: string;
  payload: unknown;
}

/** An event whose payload is JSON text already. */
export type SerializedEvent = Omit<BusEvent, 'payload'> & { payload: string };

/** As field and value pairs of a stream's entry. */
export function toFields(event: SerializedEvent): string[] {
  const { id, type, version, key, occurredAt, payload, traceparent } = event;
  const fields = ['id', id, 'type', type, 'version', String(version), 'key', key];
  fields.push('occurredAt', occurredAt, 'payload', payload);
  if (traceparent !== undefined) fields.push('traceparent', traceparent);
  return fields;
}

/** Undefined where an entry is none of ours: that one will never be understood. */
export function tryFromFields(fields: readonly string[]): BusEvent | undefined {
  const { id, type, version, key, occurredAt, traceparent, payload } = asRecord(fields);
  if (payload === undefined) return undefined;
  return tryToEvent(
    { id, type, version: Number(version), key, occurredAt, traceparent },
    () => JSON.parse(payload) as unknown,
  );
}

/** As one JSON text. The payload is put in as it is. */
export function toJson({ payload, ...envelope }: SerializedEvent): string {
  return `${JSON.stringify(envelope).slice(0, -1)},"payload":${payload}}`;
}

export function tryFromJson(text: string): BusEvent | undefined {
  try {
    const { payload, ...envelope } = JSON.parse(text) as Record<string, unknown>;
    return payload === undefined ? undefined : tryToEvent(envelope, () => payload);
  } catch {
    return undefined;
  }
}

/** For showing an entry that is no event. */
export function fieldsAsText(fields: readonly string[]): string {
  return JSON.stringify(asRecord(fields));
}

function asRecord(fields: readonly string[]): Record<string, string | undefined> {
  const record: Record<string, string | undefined> = {};
  for (let i = 0; i + 1 < fields.length; i += 2) record[String(fields[i])] = fields[i + 1];
  return record;
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

function tryToEvent(envelope: Record<string, unknown>, payload: () => unknown): BusEvent | undefined {
  const { id, type, version, key, occurredAt, traceparent } = envelope;
  const texts = [id, type, key, occurredAt].every((text) => typeof text === 'string');
  if (!texts || !uuid.test(String(id)) || !Number.isInteger(version)) return undefined;
  try {
    return {
      id: String(id),
      type: String(type),
      version: Number(version),
      key: String(key),
      occurredAt: String(occurredAt),
      payload: payload(),
      ...(typeof traceparent === 'string' && { traceparent }),
    };
  } catch {
    return undefined;
  }
}
