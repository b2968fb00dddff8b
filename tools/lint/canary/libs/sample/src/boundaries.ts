/** Known-bad imports: a `type:util` of `scope:posts` may use neither a kit nor a database driver nor an app. */
export { createService } from '@rostrum/service-kit';
export { Pool } from 'pg';
export * from '../../../../../../apps/auth/src/config';
