/** So many posts of about 365 bytes, as JSON in Redis and as rows in PostgreSQL. */
export const postCount = 20_000;

export interface PostRow {
  id: string;
  author_id: string;
  text: string;
  created_at: string;
}

export const postColumns = 'id, author_id, text, created_at::text';
export const readOne = `select ${postColumns} from posts where id = $1`;
export const readSome = `select ${postColumns} from posts where id = any($1::uuid[])`;

const text = 'What is said in a post of about two hundred and eighty characters. '.repeat(4);

/** Far from each other for neighbouring n, as real questions are. */
export function idOf(n: number): string {
  const at = (Math.imul(n, 7919) >>> 0) % postCount;
  return `0190b5a0-0000-7000-8000-${at.toString(16).padStart(12, '0')}`;
}

/** Begins with the id, so that who reads it can see that it is the right one. */
export function bodyOf(n: number): string {
  return JSON.stringify({ id: idOf(n), authorId: idOf(n + 1), text, createdAt: '2026-11-20T12:00:00.000Z' });
}

export const createPosts = `
create table posts (id uuid primary key, author_id uuid not null, text text not null, created_at timestamptz not null);
insert into posts
select format('0190b5a0-0000-7000-8000-%s', lpad(to_hex(at), 12, '0'))::uuid,
  gen_random_uuid(), '${text}', now() from generate_series(0, ${postCount - 1}) as at;
analyze posts;`;
