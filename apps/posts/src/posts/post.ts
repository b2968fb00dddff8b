import type { Post as PostBody } from '@rostrum/contracts';
import { v7 as uuidv7 } from 'uuid';
import type { Person } from '../profiles/profile';

export interface Post {
  id: string;
  author: Person;
  text: string;
  createdAt: Date;
  version: number;
}

/** A post that is being written now. Its time is the one in its id, so that both always give the same order. */
export function newPost(author: Person, text: string): Post {
  const id = uuidv7();
  const createdAt = new Date(Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16));
  return { id, author, text, createdAt, version: 1 };
}

export function toPostBody({ id, author, text, createdAt, version }: Post): PostBody {
  return { id, author, text, createdAt: createdAt.toISOString(), version };
}
