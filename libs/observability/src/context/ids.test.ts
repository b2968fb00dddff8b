import { TraceIdRatioBasedSampler, SamplingDecision } from '@opentelemetry/sdk-trace-node';
import { ROOT_CONTEXT } from '@opentelemetry/api';
import { newSpanId, newTrace, newTraceId, samplingBound, traceScore } from './ids';

describe('ids', () => {
  test('have the form of W3C ids and do not repeat', () => {
    const traces = Array.from({ length: 5000 }, () => newTraceId());
    const spans = Array.from({ length: 5000 }, () => newSpanId());
    expect(traces.every((id) => /^[0-9a-f]{32}$/.test(id))).toBe(true);
    expect(spans.every((id) => /^[0-9a-f]{16}$/.test(id))).toBe(true);
    expect(new Set(traces).size + new Set(spans).size).toBe(10_000);
    expect(new Set(traces.map((id) => id.slice(0, 16))).size).toBe(5000);
  });

  test('a made id is scored as the same id from elsewhere', () => {
    for (let round = 0; round < 1000; round++) {
      const { id, score } = newTrace();
      expect(score).toBe(traceScore(id));
    }
  });

  test.each([0, 0.001, 0.1, 0.5, 0.999, 1])('at a ratio of %d the decision is that of the SDK', (ratio) => {
    const sampler = new TraceIdRatioBasedSampler(ratio);
    const bound = samplingBound(ratio);
    for (let round = 0; round < 1000; round++) {
      const { id, score } = newTrace();
      const theirs = sampler.shouldSample(ROOT_CONTEXT, id).decision === SamplingDecision.RECORD_AND_SAMPLED;
      expect(score < bound).toBe(theirs);
    }
  });

  test('a tenth of the traces is sampled at a ratio of 0.1', () => {
    const bound = samplingBound(0.1);
    let sampled = 0;
    for (let round = 0; round < 50_000; round++) if (newTrace().score < bound) sampled++;
    expect(sampled / 50_000).toBeGreaterThan(0.09);
    expect(sampled / 50_000).toBeLessThan(0.11);
  });
});
