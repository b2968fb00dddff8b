import type { NotificationKind, NotificationWays } from '@rostrum/contracts';

/** How people are told unless they say otherwise. Nobody is sent mail who has not asked for it. */
export const defaultWays: Readonly<Record<NotificationKind, NotificationWays>> = {
  follow: { inApp: true, push: true, mail: false },
  follow_request: { inApp: true, push: true, mail: false },
  like: { inApp: true, push: false, mail: false },
  reply: { inApp: true, push: true, mail: false },
  mention: { inApp: true, push: true, mail: false },
  repost: { inApp: true, push: false, mail: false },
  quote: { inApp: true, push: true, mail: false },
  moderation: { inApp: true, push: true, mail: false },
};

export type ChangedWays = Partial<
  Record<NotificationKind, { [Way in keyof NotificationWays]?: boolean | undefined }>
>;

/** What somebody has changed, on top of what holds for everybody. */
export function waysOf(changed: ChangedWays): Record<NotificationKind, NotificationWays> {
  const kinds = Object.entries(defaultWays) as [NotificationKind, NotificationWays][];
  return Object.fromEntries(kinds.map(([kind, ways]) => [kind, { ...ways, ...changed[kind] }])) as Record<
    NotificationKind,
    NotificationWays
  >;
}

export function mergedWays(before: ChangedWays, change: ChangedWays): ChangedWays {
  const merged: ChangedWays = { ...before };
  for (const kind of Object.keys(change) as NotificationKind[])
    merged[kind] = { ...before[kind], ...change[kind] };
  return merged;
}
