import { realtimeNotificationRoutes } from './realtime-notifications.contract';
import { realtimeSocketRoutes } from './realtime-sockets.contract';

export * from './realtime-protocol.contract';
export * from './realtime-notifications.contract';
export * from './realtime-sockets.contract';

export const realtimeRoutes = [...realtimeSocketRoutes, ...realtimeNotificationRoutes] as const;
