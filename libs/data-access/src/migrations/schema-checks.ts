/** What the tests of a service say about its schema. A door of its own, so that nothing of it goes into production. */
export { lintMigrations, lintRules, type Finding, type LintOptions } from './checks/lint-migrations';
