import { trace, TraceFlags, type Context } from '@opentelemetry/api';
import {
  SamplingDecision,
  type IdGenerator,
  type Sampler,
  type SamplingResult,
} from '@opentelemetry/sdk-trace-node';
import { newSpanId, newTraceId, samplingBound, traceScore } from '../context/ids';
import type { TraceStart } from '../context/request-context';

const RECORD: SamplingResult = { decision: SamplingDecision.RECORD_AND_SAMPLED };
const IGNORE: SamplingResult = { decision: SamplingDecision.NOT_RECORD };

/**
 * Makes the SDK follow decisions that were taken before it was asked: inside `start` a new span gets the given ids
 * and is sampled. Other spans get new ids; they follow their parent, or the ratio.
 */
export class PresetSampling implements IdGenerator, Sampler {
  private preset: TraceStart | undefined;
  private readonly bound: number;

  constructor(ratio: number) {
    this.bound = samplingBound(ratio);
  }

  start<T>(preset: TraceStart, make: () => T): T {
    this.preset = preset;
    try {
      return make();
    } finally {
      this.preset = undefined;
    }
  }

  /** Whether a new trace is sampled; the same answer in every service that has the same ratio. */
  decide(score: number): boolean {
    return score < this.bound;
  }

  readonly generateTraceId = (): string => this.preset?.traceId ?? newTraceId();

  readonly generateSpanId = (): string => this.preset?.spanId ?? newSpanId();

  shouldSample(context: Context, traceId: string): SamplingResult {
    if (this.preset) return RECORD;
    const parent = trace.getSpanContext(context);
    if (parent && trace.isSpanContextValid(parent))
      return (parent.traceFlags & TraceFlags.SAMPLED) === 0 ? IGNORE : RECORD;
    return this.decide(traceScore(traceId)) ? RECORD : IGNORE;
  }

  toString(): string {
    return 'PresetSampling';
  }
}
