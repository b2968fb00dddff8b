import {
  beginOidcLinkRoute,
  beginOidcLoginRoute,
  beginOidcSignUpRoute,
  listIdentitiesRoute,
  oidcLinkRoute,
  oidcLoginRoute,
  oidcSignUpRoute,
  unlinkIdentityRoute,
} from '@rostrum/contracts';
import type { RouteBinder } from '@rostrum/service-kit';
import { auditOrigin } from '../audit/audit-origin';
import { ownerRequest } from '../mfa/mfa.routes';
import { challengeReply, signedInReply } from '../sessions/session-replies';
import { toIdentityBody } from './identity';
import type { OidcSignUpService } from './oidc-sign-up.service';
import type { OidcService } from './oidc.service';

export function oidcRoutes(binder: RouteBinder, oidc: OidcService, signUp: OidcSignUpService): void {
  binder.bind(beginOidcLoginRoute, async ({ params: { provider }, query: { mode } }) => ({
    status: 200,
    body: await oidc.beginLogin(provider, mode),
  }));

  binder.bind(oidcLoginRoute, async ({ body, request }) => {
    const outcome = await oidc.login(body, auditOrigin(request));
    if ('account' in outcome) return { status: 200, ...signedInReply(outcome) };
    return { status: 200, ...challengeReply(outcome) };
  });

  binder.bind(beginOidcSignUpRoute, async ({ params: { provider }, query: { mode } }) => ({
    status: 200,
    body: await signUp.begin(provider, mode),
  }));

  binder.bind(oidcSignUpRoute, async ({ body, request, signal }) => {
    const signedIn = await signUp.signUp(body, { from: auditOrigin(request), signal });
    return { status: 201, ...signedInReply(signedIn) };
  });

  binder.bind(beginOidcLinkRoute, async (input) => ({
    status: 200,
    body: await oidc.beginLink(input.params.provider, input.body, ownerRequest(input)),
  }));

  binder.bind(oidcLinkRoute, async ({ user, body, request }) => {
    await oidc.link(body, user, auditOrigin(request));
    return { status: 204 };
  });

  binder.bind(listIdentitiesRoute, async ({ user }) => {
    const linked = await oidc.list(user.userId);
    return { status: 200, body: { items: linked.map(toIdentityBody) } };
  });

  binder.bind(unlinkIdentityRoute, async ({ user, params, request }) => {
    await oidc.unlink(user, params.provider, auditOrigin(request));
    return { status: 204 };
  });
}
