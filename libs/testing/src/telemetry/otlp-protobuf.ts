/** Reads the few fields of OTLP's protobuf that tests ask for, into the shape of its JSON. Traefik sends only this. */
import type { OtlpAttributes, OtlpSpan, OtlpTraces, OtlpValue } from './otlp-json';

type Field = { number: number; bytes: Buffer; integer: number };

function* fieldsOf(message: Buffer): Generator<Field> {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 1; ; shift *= 128) {
      const byte = message.readUInt8(at++);
      value += (byte & 127) * shift;
      if (byte < 128) return value;
    }
  };
  while (at < message.length) {
    const tag = varint();
    const number = Math.floor(tag / 8);
    const wireType = tag % 8;
    if (wireType === 0) {
      yield { number, bytes: Buffer.alloc(0), integer: varint() };
      continue;
    }
    const length = wireType === 1 ? 8 : wireType === 5 ? 4 : varint();
    yield { number, bytes: message.subarray(at, at + length), integer: 0 };
    at += length;
  }
}

const all = (message: Buffer | undefined, number: number): Buffer[] =>
  message ? [...fieldsOf(message)].filter((field) => field.number === number).map(({ bytes }) => bytes) : [];
const first = (message: Buffer | undefined, number: number): Buffer | undefined => all(message, number)[0];
const text = (message: Buffer, number: number): string => first(message, number)?.toString() ?? '';
const hex = (message: Buffer, number: number): string => first(message, number)?.toString('hex') ?? '';
const integer = (message: Buffer | undefined, number: number): number =>
  message ? ([...fieldsOf(message)].find((field) => field.number === number)?.integer ?? 0) : 0;

export function readOtlpTraces(message: Buffer): OtlpTraces {
  return {
    resourceSpans: all(message, 1).map((resourceSpans) => ({
      resource: { attributes: attributesOf(first(resourceSpans, 1), 1) },
      scopeSpans: all(resourceSpans, 2).map((scope) => ({ spans: all(scope, 2).map(spanOf) })),
    })),
  };
}

function spanOf(span: Buffer): OtlpSpan {
  return {
    traceId: hex(span, 1),
    spanId: hex(span, 2),
    parentSpanId: hex(span, 4),
    name: text(span, 5),
    kind: integer(span, 6),
    attributes: attributesOf(span, 9),
    events: all(span, 11).map((event) => ({ name: text(event, 2), attributes: attributesOf(event, 3) })),
    links: all(span, 13).map((link) => ({ traceId: hex(link, 1), spanId: hex(link, 2) })),
    status: { code: integer(first(span, 15), 3) },
  };
}

function attributesOf(message: Buffer | undefined, number: number): OtlpAttributes {
  return all(message, number).map((pair) => ({ key: text(pair, 1), value: valueOf(first(pair, 2)) }));
}

function valueOf(value: Buffer | undefined): OtlpValue {
  for (const field of fieldsOf(value ?? Buffer.alloc(0))) {
    if (field.number === 1) return { stringValue: field.bytes.toString() };
    if (field.number === 2) return { boolValue: field.integer === 1 };
    if (field.number === 3) return { intValue: field.integer };
    if (field.number === 4) return { doubleValue: field.bytes.readDoubleLE() };
    if (field.number === 5) return { arrayValue: { values: all(field.bytes, 1).map(valueOf) } };
  }
  return {};
}
