import { changePasswordRoute, forgotPasswordRoute, resetPasswordRoute } from '@rostrum/contracts';
import type { RouteBinder } from '@rostrum/service-kit';
import { auditOrigin } from '../audit/audit-origin';
import type { PasswordsService } from './passwords.service';

export function passwordsRoutes(binder: RouteBinder, passwords: PasswordsService): void {
  binder.bind(changePasswordRoute, async ({ user, body, request, signal }) => {
    await passwords.change(user, body, { from: auditOrigin(request), signal });
    return { status: 204 };
  });

  binder.bind(forgotPasswordRoute, async ({ body }) => {
    await passwords.forgot(body.email);
    return { status: 202 };
  });

  binder.bind(resetPasswordRoute, async ({ body, request, signal }) => {
    await passwords.reset(body, { from: auditOrigin(request), signal });
    return { status: 204 };
  });
}
