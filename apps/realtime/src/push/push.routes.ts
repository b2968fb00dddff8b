import { pushKeyRoute, subscribePushRoute, unsubscribePushRoute } from '@rostrum/contracts';
import type { RouteBinder } from '@rostrum/service-kit';
import type { PushService } from './push.service';

export function pushRoutes(binder: RouteBinder, push: PushService): void {
  binder.bind(pushKeyRoute, () => ({ status: 200, body: { publicKey: push.publicKey() } }));

  binder.bind(subscribePushRoute, async ({ user: { userId, sessionId }, body, signal }) => {
    const { endpoint, keys } = body;
    return {
      status: 201,
      body: { id: await push.subscribe({ userId, sessionId, endpoint, ...keys }, signal) },
    };
  });

  binder.bind(unsubscribePushRoute, async ({ user, body }) => {
    await push.unsubscribe(user.userId, body.endpoint);
    return { status: 204 };
  });
}
