import { runProcess } from '@rostrum/service-kit';
import { createPostsWorker } from './composition-root';
import { environment, workerSettings } from './config';

void runProcess({ spec: workerSettings, environment, create: (config) => createPostsWorker(config) });
