import type { Profile as ProfileBody } from '@rostrum/contracts';

/** Raised when the JSON of a profile changes its shape, so that releases side by side do not read each other's. */
export const profileShape = 2;

/** A person as an author, follower or followee. */
export interface Person {
  id: string;
  username: string;
}

export interface Profile extends Person {
  followers: number;
  following: number;
  createdAt: Date;
  /** Suspended or deleted: nobody else sees them. */
  isGone: boolean;
}

export function toProfileBody({ id, username, followers, following, createdAt }: Profile): ProfileBody {
  return { id, username, followers, following, createdAt: createdAt.toISOString() };
}
