import { withClient } from '@rostrum/data-access';
import { createTestDatabase } from '@rostrum/testing';
import { celebrity, shapes, type Shape } from './shape';

/**
 * `generate.js <migrations> <size>`: makes a database with the service's tables and fills it. Tells how far it is on
 * standard error, and prints where the database is. What is drawn by lot is drawn the same each time.
 */
async function main(): Promise<void> {
  const [, , migrations = '', size = 'large'] = process.argv;
  const shape = shapes[size] as Shape;
  const firstAt = Date.now() - (shape.posts + 3600) * 1000;
  const { url, adminUrl } = await createTestDatabase('posts', migrations);
  await withClient(adminUrl, async (client) => {
    await client.query('set search_path to posts; set synchronous_commit to off');
    await client.query('select setseed(0.42)');
    const run = (sql: string, values: unknown[]) => client.query(sql, values).then(() => undefined);
    await inParts('people', shape.people, (from, to) => run(peopleSql, [from, to]));
    await inParts('follows', shape.people, (from, to) =>
      run(followsSql, [from, to, shape.follows, shape.people, celebrity]),
    );
    await inParts('posts', shape.posts, (from, to) => run(postsSql, [from, to, shape.people, firstAt]));
    await inParts('counts', 1, () => run(countsSql, []));
    await client.query('vacuum analyze');
  });
  process.stdout.write(`${JSON.stringify({ url, adminUrl, firstAt })}\n`);
}

const id = (n: string) => `('0190b5a0-0000-7000-8000-' || lpad(to_hex(${n}), 12, '0'))::uuid`;

const peopleSql = `
  insert into profiles (user_id, username, created_at)
  select ${id('n')}, 'person_' || n, now() - interval '1 year' from generate_series($1::int, $2::int) n`;

/** The lower the number, the more followers: a power of a number drawn by lot. */
const followsSql = `
  insert into follows (follower_id, followee_id, created_at)
  select ${id('n')}, ${id('followee')}, now() - interval '300 days'
    from generate_series($1::int, $2::int) n
   cross join lateral (
     select $5::int as followee
      union
     select 1 + floor($4::int * power(random(), 3))::int
       from generate_series(1, 1 + floor($3::int * random())::int + n * 0)
   ) chosen
   where followee <> n
      on conflict do nothing`;

/** About 600 bytes of JSON each. Those who have many followers write more. */
const postsSql = `
  insert into posts (id, author_id, text, created_at)
  select (substr(time, 1, 8) || '-' || substr(time, 9) || '-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
         ${id('1 + floor($3::int * power(random(), 2))::int')},
         'Post ' || n || ': ' || repeat('people write of what they have seen today ', 6),
         to_timestamp(($4::bigint + n * 1000) / 1000.0)
    from generate_series($1::int, $2::int) n
   cross join lateral (select lpad(to_hex($4::bigint + n * 1000), 12, '0') as time) at`;

const countsSql = `
  update profiles set
    followers = (select count(*) from follows where followee_id = user_id),
    following = (select count(*) from follows where follower_id = user_id)`;

async function inParts(
  what: string,
  count: number,
  make: (from: number, to: number) => Promise<void>,
): Promise<void> {
  const part = Math.max(1, Math.ceil(count / 50));
  for (let from = 1; from <= count; from += part) {
    await make(from, Math.min(count, from + part - 1));
    tell(what, Math.min(1, (from + part - 1) / count));
  }
}

function tell(what: string, share: number): void {
  const width = 30;
  const bar = '█'.repeat(Math.round(share * width)).padEnd(width, '░');
  if (process.stderr.isTTY)
    process.stderr.write(`\r\u001b[K  ${what.padEnd(8)} ${bar} ${Math.round(share * 100)} %`);
  if (share >= 1) process.stderr.write(process.stderr.isTTY ? '\n' : `  ${what} made\n`);
}

void main();
