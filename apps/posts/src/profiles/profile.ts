import type { Profile as ProfileBody } from '@rostrum/contracts';

/** A person as an author, follower or followee. */
export interface Person {
  id: string;
  username: string;
}

export interface Profile extends Person {
  followers: number;
  following: number;
  createdAt: Date;
}

export function toProfileBody({ createdAt, ...profile }: Profile): ProfileBody {
  return { ...profile, createdAt: createdAt.toISOString() };
}
