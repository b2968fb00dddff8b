import { runProcess } from '@rostrum/service-kit';
import { createAuthWorker } from './composition-root';
import { environment, workerSettings } from './config';

void runProcess({ spec: workerSettings, environment, create: (config) => createAuthWorker(config) });
