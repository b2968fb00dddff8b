import {
  authCookies,
  createPasskeyRoute,
  deletePasskeyRoute,
  listPasskeysRoute,
  passkeyMfaOptionsRoute,
  passkeyOptionsRoute,
  passkeySignInOptionsRoute,
  passkeySignInRoute,
  passkeyStepUpOptionsRoute,
  renamePasskeyRoute,
} from '@rostrum/contracts';
import { readCookie, type RouteBinder } from '@rostrum/service-kit';
import type { RegistrationResponseJSON } from '@simplewebauthn/server';
import { auditOrigin } from '../audit/audit-origin';
import type { MfaSignInService } from '../mfa/mfa-sign-in.service';
import { ownerRequest } from '../mfa/mfa.routes';
import { signedInReply } from '../sessions/session-replies';
import { toPasskeyBody } from './passkey';
import type { PasskeyProof } from './passkey-proof';
import type { PasskeySignInService } from './passkey-sign-in.service';
import type { PasskeysService } from './passkeys.service';

export interface PasskeysFeature {
  passkeys: PasskeysService;
  proof: Pick<PasskeyProof, 'ask'>;
  signIn: PasskeySignInService;
  mfa: Pick<MfaSignInService, 'askForPasskey'>;
}

export function passkeysRoutes(binder: RouteBinder, feature: PasskeysFeature): void {
  const { passkeys } = feature;

  binder.bind(passkeyOptionsRoute, async (input) => {
    const { username } = input.user;
    const options = await passkeys.begin(input.body, { ...ownerRequest(input), username });
    return { status: 200, body: { options: { ...options } } };
  });

  binder.bind(createPasskeyRoute, async ({ user, body: { name, credential }, request }) => {
    // The contract has checked all of it that is read; the type names more that browsers may send.
    const made = { name, credential: credential as RegistrationResponseJSON };
    const { passkey, recoveryCodes } = await passkeys.keep(made, user, auditOrigin(request));
    return { status: 201, body: { passkey: toPasskeyBody(passkey), recoveryCodes } };
  });

  binder.bind(listPasskeysRoute, async ({ user }) => ({
    status: 200,
    body: { items: (await passkeys.list(user.userId)).map(toPasskeyBody) },
  }));

  binder.bind(renamePasskeyRoute, async ({ user, params: { id }, body: { name } }) => ({
    status: 200,
    body: toPasskeyBody(await passkeys.rename(user.userId, id, name)),
  }));

  binder.bind(deletePasskeyRoute, async ({ user, params: { id }, request }) => {
    await passkeys.remove(user, id, auditOrigin(request));
    return { status: 204 };
  });

  ceremonyRoutes(binder, feature);
}

function ceremonyRoutes(binder: RouteBinder, { proof, signIn, mfa }: PasskeysFeature): void {
  binder.bind(passkeySignInOptionsRoute, async () => ({
    status: 200,
    body: { options: { ...(await signIn.ask()) } },
  }));

  binder.bind(passkeySignInRoute, async ({ body, query: { mode }, request }) => {
    const deviceToken = body.deviceToken ?? readCookie(request, authCookies.device);
    const signedIn = await signIn.signIn({ ...body, deviceToken }, { mode, from: auditOrigin(request) });
    return { status: 200, ...signedInReply(signedIn) };
  });

  binder.bind(passkeyMfaOptionsRoute, async ({ body }) => ({
    status: 200,
    body: { options: { ...(await mfa.askForPasskey(body.mfaToken)) } },
  }));

  binder.bind(passkeyStepUpOptionsRoute, async ({ user }) => ({
    status: 200,
    body: { options: { ...(await proof.ask(user.userId)) } },
  }));
}
