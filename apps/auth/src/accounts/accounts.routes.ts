import {
  changeMeRoute,
  deleteMeRoute,
  exportMeRoute,
  meRoute,
  registerRoute,
  resendVerificationRoute,
  verifyEmailRoute,
} from '@rostrum/contracts';
import { isUnchanged, type RouteBinder } from '@rostrum/service-kit';
import { auditOrigin } from '../audit/audit-origin';
import type { PasswordProof } from '../passwords/password-proof';
import { clearedCookies } from '../sessions/session-replies';
import { toAccountBody, type Account } from './account';
import type { AccountDocument } from './account-document';
import type { AccountsService } from './accounts.service';
import type { DeletionService } from './deletion.service';
import type { EmailsService } from './emails.service';
import type { ExportService } from './export.service';
import type { RegistrationService } from './registration.service';

export interface AccountsFeature {
  accounts: AccountsService;
  registration: RegistrationService;
  emails: EmailsService;
  deletion: { proof: PasswordProof; service: DeletionService };
  exports: ExportService;
}

/** The client may keep the account, but asks whether it is still the same before it shows it again. */
const revalidated = ['Cache-Control', 'private, no-cache'];

export function accountsRoutes(binder: RouteBinder, feature: AccountsFeature): void {
  const { accounts, registration, deletion, exports } = feature;

  binder.bind(registerRoute, ({ body, request, signal, once }) =>
    once(
      (write) => registration.register(body, { from: auditOrigin(request), signal }, write),
      (account: Account) => ({ status: 201, body: { user: toAccountBody(account) } }),
    ),
  );

  binder.bind(
    meRoute,
    async ({ user, request }) => {
      const { etag, json } = await accounts.read(user.userId);
      const headers = ['ETag', etag, ...revalidated];
      if (isUnchanged(request.headers['if-none-match'], etag)) return { status: 304, headers };
      return { status: 200, raw: json, headers };
    },
    { startsWithRead: true },
  );

  binder.bind(deleteMeRoute, async ({ user: { userId, sessionId }, body: { password }, request, signal }) => {
    const from = auditOrigin(request);
    await deletion.proof.require({ userId, sessionId, password, from, signal });
    const deletedAfter = await deletion.service.request(userId, from);
    return { status: 202, body: { deletedAfter: deletedAfter.toISOString() }, headers: clearedCookies() };
  });

  binder.bind(exportMeRoute, async ({ user }) => ({
    status: 200,
    body: await exports.exportOf(user),
    headers: ['Content-Disposition', 'attachment; filename="account.json"'],
  }));

  emailsRoutes(binder, feature.emails);
}

function emailsRoutes(binder: RouteBinder, emails: EmailsService): void {
  binder.bind(changeMeRoute, ({ user: { userId, sessionId }, body, request, signal, once }) => {
    const from = auditOrigin(request);
    const ifMatch = request.headers['if-match'];
    return once(
      (write) => emails.change({ userId, sessionId, ...body, ifMatch, from, signal }, write),
      ({ etag, json }: AccountDocument) => ({ status: 202, raw: json, headers: ['ETag', etag] }),
    );
  });

  binder.bind(verifyEmailRoute, async ({ body, request }) => {
    await emails.verify(body.token, auditOrigin(request));
    return { status: 204 };
  });

  binder.bind(resendVerificationRoute, ({ user, once }) =>
    once<void, { status: 202 }>(
      (write) => emails.resend(user.userId, write),
      () => ({ status: 202 }),
    ),
  );
}
