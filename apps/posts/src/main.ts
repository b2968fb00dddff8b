import { runProcess } from '@rostrum/service-kit';
import { createPostsService } from './composition-root';
import { environment, mainSettings } from './config';

void runProcess({ spec: mainSettings, environment, create: (config) => createPostsService(config) });
