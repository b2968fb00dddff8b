import type { AccessClaims } from '@rostrum/security';
import type { Request } from 'express';
import type { Admission } from './admission';
import { callerAddress, type InternalNetworks } from './caller-address';
import { identityHeader, type CallerIdentities, type CallerIdentity } from './caller-identities';
import { LimitPolicy } from './limit-policy';
import type { Limiter } from './limiter';

export interface GateParts {
  limiter: Limiter;
  networks?: InternalNetworks | undefined;
  identities?: CallerIdentities | undefined;
}

/** Stands before routes of one policy and knows whose bucket a request is taken from. */
export class RouteGate {
  private readonly ownPolicies = new Map<number, LimitPolicy>();

  constructor(
    private readonly policy: LimitPolicy,
    private readonly parts: GateParts,
  ) {}

  /** Counts the request; nothing where its caller has no limits. A promise only for an identity not seen before. */
  enter(
    request: Request,
    user: AccessClaims | undefined,
  ): Admission | undefined | Promise<Admission | undefined> {
    const { networks, identities } = this.parts;
    if (networks?.isSourceOf(request)) return undefined;
    const token = identities && request.headers[identityHeader];
    if (identities === undefined || typeof token !== 'string') return this.admit(request, user);
    const identity = identities.identify(token);
    if (identity instanceof Promise) return identity.then((late) => this.enterAs(late, request, user));
    return this.enterAs(identity, request, user);
  }

  private enterAs(
    identity: CallerIdentity | undefined,
    request: Request,
    user: AccessClaims | undefined,
  ): Admission | undefined {
    if (identity === undefined) return this.admit(request, user);
    if (identity.use === 'internal') return undefined;
    return this.parts.limiter.admit(this.policyOf(identity), `l:${identity.name}`);
  }

  /** Credentials are guarded per address: who is guessing is nobody yet. */
  private admit(request: Request, user: AccessClaims | undefined): Admission {
    const { policy } = this;
    const caller =
      user === undefined || policy.name === 'auth' ? `a:${callerAddress(request)}` : `u:${user.userId}`;
    return this.parts.limiter.admit(policy, caller);
  }

  private policyOf({ limits }: CallerIdentity): LimitPolicy {
    const { name, shared, strict } = this.policy;
    const quota = limits[name];
    if (quota === undefined || quota === shared.quota) return this.policy;
    let policy = this.ownPolicies.get(quota);
    if (!policy) {
      policy = new LimitPolicy({ name, quota, windowMs: shared.windowMs, strict });
      this.ownPolicies.set(quota, policy);
    }
    return policy;
  }
}
