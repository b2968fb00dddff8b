import type { RouteContract } from '@rostrum/contracts';
import type { RequestHandler } from 'express';
import { createExpressLimit } from './express-limit';
import type { LimitPolicy, PolicyName } from './limit-policy';
import { RouteGate, type GateParts } from './route-gate';

/** The limits of a service, as its HTTP application needs them. */
export interface Limits {
  /** What stands before a route; nothing where it has no limit. */
  gateFor(contract: Pick<RouteContract, 'rateLimit'>): RouteGate | undefined;
  /** What stands before all that is no route. */
  expressLimit: RequestHandler;
}

export function createLimits(policies: Record<PolicyName, LimitPolicy>, parts: GateParts): Limits {
  const gates = { api: new RouteGate(policies.api, parts), auth: new RouteGate(policies.auth, parts) };
  return {
    gateFor: ({ rateLimit = 'api' }) => (rateLimit === 'none' ? undefined : gates[rateLimit]),
    expressLimit: createExpressLimit(parts.limiter, policies.api),
  };
}
