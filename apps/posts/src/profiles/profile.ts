import type { Profile as ProfileBody } from '@rostrum/contracts';

/** Raised when the JSON of a profile changes its shape, so that releases side by side do not read each other's. */
export const profileShape = 3;

/** A person as an author, follower or followee. */
export interface Person {
  id: string;
  username: string;
}

export interface Profile extends Person {
  displayName: string | null;
  bio: string | null;
  /** Their picture, among the uploaded media. */
  avatarId: string | null;
  /** Only followers see what they write. */
  isPrivate: boolean;
  followers: number;
  following: number;
  createdAt: Date;
  /** Suspended or deleted: nobody else sees them. */
  isGone: boolean;
}

/** Field by field, so that the same profile is the same bytes whatever it was made from. */
export function toProfileBody(profile: Profile): ProfileBody {
  return {
    id: profile.id,
    username: profile.username,
    displayName: profile.displayName,
    avatarId: profile.avatarId,
    isPrivate: profile.isPrivate,
    bio: profile.bio,
    followers: profile.followers,
    following: profile.following,
    createdAt: profile.createdAt.toISOString(),
  };
}
