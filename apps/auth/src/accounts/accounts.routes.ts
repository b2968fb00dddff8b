import { meRoute, registerRoute } from '@rostrum/contracts';
import type { RouteBinder } from '@rostrum/service-kit';
import { toAccountBody } from './account';
import type { AccountsService } from './accounts.service';
import type { RegistrationService } from './registration.service';

export interface AccountsFeature {
  accounts: AccountsService;
  registration: RegistrationService;
}

export function accountsRoutes(binder: RouteBinder, { accounts, registration }: AccountsFeature): void {
  binder.bind(registerRoute, async ({ body, signal }) => ({
    status: 201,
    body: { user: toAccountBody(await registration.register(body, signal)) },
  }));

  binder.bind(meRoute, async ({ user }) => ({
    status: 200,
    raw: await accounts.read(user.userId),
  }));
}
