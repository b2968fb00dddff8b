/** What the whole service needs around it: a database of its own and somebody who issues tokens. */
import path from 'node:path';
import { createTestDatabase, testTokens } from '@rostrum/testing';
import { takeOrders } from './orders';

const ttlSeconds = 3600;

async function main(): Promise<void> {
  const database = await createTestDatabase('realtime', path.join(__dirname, 'service/migrations'));
  const tokens = await testTokens();
  takeOrders({
    tokens: async ({ count }: { count: number }) => ({
      tokens: await Promise.all(
        Array.from({ length: count }, (_, i) => tokens.sign({ username: `user_${i}`, ttlSeconds })),
      ),
    }),
    end: async () => {
      await tokens.close();
      await database.drop();
    },
  });
  const { issuer, audience, jwksUrl } = tokens;
  process.send?.({ databaseUrl: database.url, issuer, audience, jwksUrl });
}

void main();
