/**
 * Channels as they are named inside: a client's `user:me` is `user:<id>` here. What clients may name at all is in the
 * contract.
 */
export const channels = {
  user: (userId: string): string => `user:${userId}`,
  feed: (userId: string): string => `feed:${userId}`,
  post: (postId: string): string => `post:${postId}`,
  presence: (username: string): string => `presence:${username}`,
  /** What the processes tell each other; no client's. */
  control: 'control',
} as const;

export type ChannelKind = 'user' | 'feed' | 'post' | 'presence' | 'control';

export const channelKinds: readonly ChannelKind[] = ['user', 'feed', 'post', 'presence', 'control'];

const own = ':me';
const ownNames = { user: 'user:me', feed: 'feed:me' } as const;

/** The channel that a client means, whose contract has checked the name. */
export function internalName(publicName: string, userId: string): string {
  return publicName.endsWith(own) ? publicName.slice(0, -own.length + 1) + userId : publicName;
}

/** As clients call it. */
export function publicName(channel: string): string {
  const kind = kindOf(channel);
  return kind === 'user' || kind === 'feed' ? ownNames[kind] : channel;
}

export function kindOf(channel: string): ChannelKind {
  const end = channel.indexOf(':');
  // Every channel has been named by `channels` or checked by the contract.
  return (end === -1 ? channel : channel.slice(0, end)) as ChannelKind;
}

/** What follows the kind: an id or a username. */
export function subjectOf(channel: string): string {
  return channel.slice(channel.indexOf(':') + 1);
}
