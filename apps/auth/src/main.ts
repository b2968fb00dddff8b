import { runProcess } from '@rostrum/service-kit';
import { createAuthService } from './composition-root';
import { environment, mainSettings } from './config';

void runProcess({ spec: mainSettings, environment, create: (config) => createAuthService(config) });
