/** Puts the posts where the variants look for them. */
import { Redis } from 'ioredis';
import { Client } from 'pg';
import { bodyOf, createPosts, idOf, postCount } from './posts';

async function main(): Promise<void> {
  const [postgresUrl = '', redisUrl = ''] = process.argv.slice(2);
  const client = new Client({ connectionString: postgresUrl });
  await client.connect();
  await client.query(createPosts);
  await client.end();
  const redis = new Redis(redisUrl);
  const pipeline = redis.pipeline();
  for (let n = 0; n < postCount; n += 1) pipeline.set(`bare:${idOf(n)}`, bodyOf(n));
  await pipeline.exec();
  await redis.quit();
}

void main();
