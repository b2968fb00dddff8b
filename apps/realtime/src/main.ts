import { runProcess } from '@rostrum/service-kit';
import { createRealtimeService } from './composition-root';
import { environment, mainSettings } from './config';

void runProcess({ spec: mainSettings, environment, create: (config) => createRealtimeService(config) });
