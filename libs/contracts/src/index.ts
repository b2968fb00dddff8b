export * from './common';
export * from './define-route';
export * from './define-event';
export * from './auth-cookies.contract';
export * from './auth.contract';
export * from './posts.contract';
export * from './realtime.contract';
export * from './openapi';
