import { testTokens } from '@rostrum/testing';
import { celebrity, personId, username } from './shape';

/**
 * Stands in for auth: serves the keys, and prints the tokens of so many people (`tokens.js <people> <of>`), evenly
 * taken from all, the one whom everybody follows first. Ends with its standard input.
 */
async function main(): Promise<void> {
  const [count, of] = process.argv.slice(2).map(Number) as [number, number];
  const tokens = await testTokens();
  const step = Math.max(1, Math.floor((of - 1) / count));
  const numbers = [celebrity, ...Array.from({ length: count }, (_, at) => 2 + at * step)];
  const people = await Promise.all(
    numbers.map(async (n) => ({
      username: username(n),
      token: await tokens.sign({ userId: personId(n), username: username(n), ttlSeconds: 24 * 3600 }),
    })),
  );
  const { issuer, audience, jwksUrl } = tokens;
  process.stdout.write(`${JSON.stringify({ issuer, audience, jwksUrl, people })}\n`);
  process.stdin.resume().once('end', () => void tokens.close().then(() => process.exit(0)));
}

void main();
