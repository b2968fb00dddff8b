import {
  confirmTotpRoute,
  disableTotpRoute,
  enrolTotpRoute,
  loginMfaRoute,
  mfaStatusRoute,
  renewRecoveryCodesRoute,
  stepUpRoute,
} from '@rostrum/contracts';
import type { AccessClaims } from '@rostrum/security';
import type { RouteBinder } from '@rostrum/service-kit';
import type { Request } from 'express';
import { auditOrigin } from '../audit/audit-origin';
import { signedInReply } from '../sessions/session-replies';
import { toFactorsBody } from './factor-methods';
import type { MfaSignInService } from './mfa-sign-in.service';
import type { MfaService } from './mfa.service';
import type { OwnerRequest } from './owner-proof';
import type { StepUpService } from './step-up.service';
import { totpUri } from './totp';

export interface MfaFeature {
  signIn: MfaSignInService;
  factors: MfaService;
  stepUp: StepUpService;
  /** What apps call us. */
  issuer: string;
}

export function mfaRoutes(binder: RouteBinder, { signIn, factors, stepUp, issuer }: MfaFeature): void {
  binder.bind(loginMfaRoute, async ({ body: { mfaToken, ...shown }, request }) => {
    const signedIn = await signIn.finish(mfaToken, shown, auditOrigin(request));
    return { status: 200, ...signedInReply(signedIn) };
  });

  binder.bind(mfaStatusRoute, async ({ user }) => {
    return { status: 200, body: toFactorsBody(await factors.counts(user)) };
  });

  binder.bind(enrolTotpRoute, async (input) => {
    const secret = await factors.enrol(input.body.password, ownerRequest(input));
    return { status: 201, body: { secret, uri: totpUri({ issuer, username: input.user.username, secret }) } };
  });

  binder.bind(confirmTotpRoute, async ({ user, body, request }) => {
    const recoveryCodes = await factors.confirm(body.code, user, auditOrigin(request));
    return { status: 200, body: { recoveryCodes } };
  });

  binder.bind(disableTotpRoute, async (input) => {
    await factors.disableTotp(input.body, ownerRequest(input));
    return { status: 204 };
  });

  binder.bind(renewRecoveryCodesRoute, async (input) => ({
    status: 200,
    body: { recoveryCodes: await factors.renewCodes(input.body, ownerRequest(input)) },
  }));

  binder.bind(stepUpRoute, async ({ user, body, request }) => {
    const until = await stepUp.stepUp(user, body, auditOrigin(request));
    return { status: 200, body: { until: until.toISOString() } };
  });
}

interface OwnerInput {
  user: AccessClaims;
  request: Request;
  signal: AbortSignal;
}

export function ownerRequest({ user, request, signal }: OwnerInput): OwnerRequest {
  return { owner: user, from: auditOrigin(request), signal };
}
