import type { Profile as ProfileBody } from '@rostrum/contracts';

/** Raised when the JSON of a profile changes its shape, so that releases side by side do not read each other's. */
export const profileShape = 1;

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
