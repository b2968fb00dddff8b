import path from 'node:path';

/** A schema for these tests: rows to write, an outbox and an inbox. */
export const thingsMigrations = path.join(__dirname, 'migrations');
