import { isPermission, isRole, mayDo, permissions, roles } from '../index';

it('who may do what', () => {
  const table = Object.fromEntries(
    permissions.map((permission) => [permission, roles.filter((role) => mayDo([role], permission))]),
  );
  expect(table).toEqual({
    'content.moderate': ['moderator', 'admin'],
    'users.read': ['admin'],
    'users.suspend': ['admin'],
    'roles.change': ['admin'],
    'sessions.end': ['admin'],
    'keys.read': ['admin'],
    'keys.change': ['admin'],
    'audit.read': ['admin'],
    'operations.read': ['admin'],
    'realtime.read': ['admin'],
  });
});

it('any of several roles is enough; what nobody has heard of gives no right', () => {
  expect(mayDo(['user', 'moderator'], 'content.moderate')).toBe(true);
  expect(mayDo([], 'content.moderate')).toBe(false);
  expect(mayDo(['Admin', 'root', 'admin '], 'users.read')).toBe(false);
  for (const name of ['', 'toString', '__proto__', 'users.write']) {
    expect(mayDo(['admin'], name)).toBe(false);
    expect(isPermission(name)).toBe(false);
    expect(isRole(name)).toBe(false);
  }
});
