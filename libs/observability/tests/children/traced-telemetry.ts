import { instrumentLibraries } from '@rostrum/observability/instrument';

instrumentLibraries();
