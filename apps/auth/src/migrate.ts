import path from 'node:path';
import { runMigrations } from '@rostrum/service-kit';
import { environment, migrateSettings } from './config';

void runMigrations({
  spec: migrateSettings,
  environment,
  service: 'auth',
  directory: path.join(__dirname, 'migrations'),
});
