export { createPolicy, type Policy, type PolicyHooks, type PolicyOptions } from './policy';
export type { BreakerOptions, BreakerState } from './circuit';
export { withDeadline } from './deadline';
export {
  runShutdown,
  type PhaseOutcome,
  type PhaseReport,
  type ShutdownOptions,
  type ShutdownPhase,
  type ShutdownResult,
} from './shutdown';
