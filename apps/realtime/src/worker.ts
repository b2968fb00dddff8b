import { runProcess } from '@rostrum/service-kit';
import { createRealtimeWorker } from './composition-root';
import { environment, workerSettings } from './config';

void runProcess({ spec: workerSettings, environment, create: (config) => createRealtimeWorker(config) });
