/** What people can be. Everybody is a user; the others are granted by an admin. */
export const roles = ['user', 'moderator', 'admin'] as const;

export type Role = (typeof roles)[number];

/** Who may do what: the one place that says it. */
const holders = {
  'content.moderate': ['moderator', 'admin'],
  'users.read': ['admin'],
  'users.suspend': ['admin'],
  'roles.change': ['admin'],
  'sessions.end': ['admin'],
  'keys.read': ['admin'],
  'keys.change': ['admin'],
  'audit.read': ['admin'],
  /** Pages for operators, such as dashboards, which the gateway asks about. */
  'operations.read': ['admin'],
  'realtime.read': ['admin'],
} as const satisfies Record<string, readonly Role[]>;

export type Permission = keyof typeof holders;

export const permissions = Object.keys(holders) as readonly Permission[];

/** Looked up per request: a set for each permission. */
const holdersOf = new Map<string, ReadonlySet<string>>(
  Object.entries(holders).map(([permission, names]) => [permission, new Set<string>(names)]),
);

/** Whether any of the roles has the permission. A permission or a role that nobody has heard of gives no right. */
export function mayDo(roleNames: readonly string[], permission: string): boolean {
  const those = holdersOf.get(permission);
  return those !== undefined && roleNames.some((name) => those.has(name));
}

export function isRole(name: string): name is Role {
  return (roles as readonly string[]).includes(name);
}

export function isPermission(name: string): name is Permission {
  return holdersOf.has(name);
}
