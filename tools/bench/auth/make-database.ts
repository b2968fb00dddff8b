import path from 'node:path';
import { createTestDatabase } from '@rostrum/testing';

/** Makes a database with the service's tables and prints the service's URL of it. */
async function main(): Promise<void> {
  const { url } = await createTestDatabase('auth', path.resolve(process.argv[2] ?? ''));
  process.stdout.write(`${url}\n`);
}

void main();
