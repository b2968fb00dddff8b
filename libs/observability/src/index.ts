export { newSpanId, newTraceId } from './context/ids';
export { currentContext, RequestContext, runWithContext, type TraceStart } from './context/request-context';
export { formatTraceparent, parseTraceparent, type TraceParent } from './context/traceparent';
export type { AccessLine } from './logging/access-line';
export { isLogLevel, logLevelNames, logLevels, type LogLevel } from './logging/log-levels';
export { createLogger, type LoggerOptions, type RostrumLogger } from './logging/logger';
export type { RotationOptions } from './logging/rotating-file';
export { redactValue } from './redaction/redact-value';
export { redactText } from './redaction/secret-text';
export {
  createMetrics,
  type GaugeOptions,
  type HistogramOptions,
  type LabelNames,
  type Metrics,
  type MetricsOptions,
  type RenderedMetrics,
} from './metrics/metrics';
export { startTracing } from './tracing/tracing';
export type {
  SelfCheckProbes,
  SelfCheckResult,
  SelfCheckState,
  ServerSpanEnd,
  SpanInit,
  TracedWork,
  Tracing,
  TracingHooks,
  TracingOptions,
  TracingStats,
} from './tracing/types';
