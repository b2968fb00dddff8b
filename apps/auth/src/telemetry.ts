import { instrumentLibraries } from '@rostrum/observability/instrument';

// Loaded before the process's own bundle (`node --require ./telemetry.js main.js`): wraps libraries before they load.
instrumentLibraries();
