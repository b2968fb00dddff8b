/** What may import what: `scope:*` × `type:*`. The reasons are in docs/adr/0002-module-boundaries.md. */
const infrastructure = ['express', 'knex', 'pg', 'ioredis', 'ws'];

const ownScope = (scope) => ({
  sourceTag: `scope:${scope}`,
  onlyDependOnLibsWithTags: [`scope:${scope}`, 'scope:shared'],
});

const mayUse = (type, types, bannedExternalImports = []) => ({
  sourceTag: `type:${type}`,
  onlyDependOnLibsWithTags: types.map((name) => `type:${name}`),
  ...(bannedExternalImports.length > 0 && { bannedExternalImports }),
});

export const depConstraints = [
  ownScope('auth'),
  ownScope('posts'),
  ownScope('realtime'),
  { sourceTag: 'scope:shared', onlyDependOnLibsWithTags: ['scope:shared'] },
  mayUse('app', ['kit', 'platform', 'contracts', 'util', 'testing']),
  mayUse('e2e', ['contracts', 'testing', 'util'], ['knex', 'pg']),
  mayUse('kit', ['platform', 'contracts', 'util', 'testing']),
  mayUse('testing', ['platform', 'contracts', 'util']),
  mayUse('platform', ['util', 'testing'], ['express', 'ws']),
  mayUse('contracts', ['util'], infrastructure),
  mayUse('util', ['util'], infrastructure),
  mayUse('tool', ['kit', 'platform', 'contracts', 'util', 'testing']),
  { sourceTag: 'scope:tools', onlyDependOnLibsWithTags: ['scope:shared'] },
];

/** Test support is built on the platform libs, and their own tests use it. */
export const ignoredCircularDependencies = [
  'observability',
  'resilience',
  'data-access',
  'security',
  'service-kit',
].map((lib) => ['@rostrum/testing', `@rostrum/${lib}`]);
