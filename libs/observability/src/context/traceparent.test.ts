import fc from 'fast-check';
import { acceptTraceState, formatTraceparent, parseTraceparent } from './traceparent';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';

describe('parseTraceparent', () => {
  test('reads ids and the sampled flag', () => {
    expect(parseTraceparent(`00-${TRACE}-${SPAN}-01`)).toEqual({
      traceId: TRACE,
      spanId: SPAN,
      sampled: true,
    });
    expect(parseTraceparent(`00-${TRACE}-${SPAN}-00`)?.sampled).toBe(false);
    expect(parseTraceparent(`00-${TRACE}-${SPAN}-ff`)?.sampled).toBe(true);
  });

  test('accepts later versions, also with more fields', () => {
    expect(parseTraceparent(`01-${TRACE}-${SPAN}-01`)?.traceId).toBe(TRACE);
    expect(parseTraceparent(`cc-${TRACE}-${SPAN}-01-what-the-future-brings`)?.spanId).toBe(SPAN);
  });

  test.each([
    ['none', undefined],
    ['an empty one', ''],
    ['version ff', `ff-${TRACE}-${SPAN}-01`],
    ['a longer version 00', `00-${TRACE}-${SPAN}-01-x`],
    ['a later version without a hyphen', `01-${TRACE}-${SPAN}-01x`],
    ['an upper-case trace id', `00-${TRACE.toUpperCase()}-${SPAN}-01`],
    ['an upper-case span id', `00-${TRACE}-${SPAN.toUpperCase()}-01`],
    ['an upper-case version', `0A-${TRACE}-${SPAN}-01`],
    ['upper-case flags', `00-${TRACE}-${SPAN}-0A`],
    ['an all-zero trace id', `00-${'0'.repeat(32)}-${SPAN}-01`],
    ['an all-zero span id', `00-${TRACE}-${'0'.repeat(16)}-01`],
    ['a short trace id', `00-${TRACE.slice(1)}-${SPAN}-01`],
    ['no flags', `00-${TRACE}-${SPAN}`],
    ['another separator', `00_${TRACE}-${SPAN}-01`],
    ['something between digits and letters', `00-${TRACE.replace('a', ':')}-${SPAN}-01`],
    ['blanks', ` 00-${TRACE}-${SPAN}-01`],
  ])('refuses %s', (_what, header) => {
    expect(parseTraceparent(header)).toBeUndefined();
  });

  test('agrees with the recommendation for any text', () => {
    const strict = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?$/s;
    const hex = (length: number) =>
      fc.string({ unit: fc.constantFrom(...'0123456789abcdefAG:`'), minLength: length, maxLength: length });
    const nearly = fc
      .tuple(hex(2), hex(32), hex(16), hex(2), fc.constantFrom('', '-', '-x', 'x'))
      .map(([version, trace, span, flags, more]) => `${version}-${trace}-${span}-${flags}${more}`);
    fc.assert(
      fc.property(fc.oneof(nearly, fc.string()), (header) => {
        const valid = strict.test(header) && !(header.startsWith('00') && header.length > 55);
        expect(parseTraceparent(header) !== undefined).toBe(valid);
      }),
    );
  });

  test('what it formats it parses', () => {
    expect(parseTraceparent(formatTraceparent(TRACE, SPAN, false))).toEqual({
      traceId: TRACE,
      spanId: SPAN,
      sampled: false,
    });
  });
});

describe('acceptTraceState', () => {
  test('passes on what is printable and short', () => {
    expect(acceptTraceState('congo=t61rcWkgMzE,rojo=00f067aa0ba902b7')).toBe(
      'congo=t61rcWkgMzE,rojo=00f067aa0ba902b7',
    );
    expect(acceptTraceState('')).toBeUndefined();
    expect(acceptTraceState(undefined)).toBeUndefined();
    expect(acceptTraceState('a=b\r\nx: y')).toBeUndefined();
    expect(acceptTraceState(`a=${'b'.repeat(600)}`)).toBeUndefined();
  });
});
