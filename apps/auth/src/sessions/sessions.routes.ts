import { loginRoute } from '@rostrum/contracts';
import type { RouteBinder } from '@rostrum/service-kit';
import { toAccountBody } from '../accounts/account';
import type { SessionsService } from './sessions.service';

export function sessionsRoutes(binder: RouteBinder, sessions: SessionsService): void {
  binder.bind(loginRoute, async ({ body, signal }) => {
    const { account, accessToken, expiresIn } = await sessions.signIn(body, signal);
    return {
      status: 200,
      body: { accessToken, tokenType: 'Bearer', expiresIn, user: toAccountBody(account) },
      headers: ['Cache-Control', 'no-store'],
    };
  });
}
