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

/** Throws where an entry is none of ours: that one will never be understood. */
export function fromFields(fields: readonly string[]): BusEvent {
  const values = new Map<string, string>();
  for (let i = 0; i + 1 < fields.length; i += 2) values.set(String(fields[i]), String(fields[i + 1]));
  const text = (name: string): string => {
    const value = values.get(name);
    if (value === undefined) throw new Error(`The entry has no field "${name}"`);
    return value;
  };
  const traceparent = values.get('traceparent');
  return {
    id: text('id'),
    type: text('type'),
    version: Number(text('version')),
    key: text('key'),
    occurredAt: text('occurredAt'),
    payload: JSON.parse(text('payload')),
    ...(traceparent !== undefined && { traceparent }),
  };
}
