export type { Breaker, BreakerHooks, BreakerOptions, BreakerState } from './breaker';
export { createGate, type Gate, type GateOptions } from './gate';
export { createPolicy, type CallOptions, type Policy, type PolicyHooks, type PolicyOptions } from './policy';
export {
  createHttpClient,
  type HttpClient,
  type HttpClientHooks,
  type HttpClientOptions,
  type HttpRequest,
} from './http/http-client';
export type { HttpAnswer } from './http/http-answer';
export { withDeadline } from './deadline';
export {
  runShutdown,
  type PhaseOutcome,
  type PhaseReport,
  type ShutdownOptions,
  type ShutdownPhase,
  type ShutdownResult,
} from './shutdown';
