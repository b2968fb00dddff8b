/**
 * Rules that project tags cannot express, because they hold inside one project.
 * Flat config replaces a rule's options per file, so each block repeats the bans that still hold there.
 */
const ban = (name, message) => ({ name, message });
const testing = { group: ['@rostrum/testing'], message: 'Test support belongs in tests only.' };
const knex = ban(
  'knex',
  'knex belongs in *.repository.ts, *.read-model.ts, migrations and composition roots.',
);
const express = ban('express', 'express belongs in *.routes.ts and http-app.ts.');

const imports = (paths, patterns) => ({ 'no-restricted-imports': ['error', { paths, patterns }] });

const processEnvironment = {
  'no-restricted-properties': [
    'error',
    { object: 'process', property: 'env', message: 'Only config.ts reads the environment.' },
  ],
};

export const fileSuffixRules = [
  {
    files: ['apps/*/src/**/*.ts', 'libs/*/src/**/*.ts'],
    ignores: ['**/*.test.ts', 'libs/testing/**'],
    rules: { ...imports([knex, express], [testing]), ...processEnvironment },
  },
  {
    files: [
      'apps/*/src/**/*.{repository,read-model}.ts',
      'apps/*/src/composition-root.ts',
      'libs/data-access/src/**/*.ts',
    ],
    ignores: ['**/*.test.ts'],
    rules: imports([express], [testing]),
  },
  {
    files: ['apps/*/src/**/*.routes.ts', 'apps/*/src/http-app.ts', 'libs/service-kit/src/**/*.ts'],
    ignores: ['**/*.test.ts'],
    rules: imports([knex], [testing]),
  },
  {
    files: ['apps/*/src/config.ts', 'apps/*/src/telemetry.ts'],
    rules: { 'no-restricted-properties': 'off' },
  },
];
