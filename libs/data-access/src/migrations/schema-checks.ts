/** What the tests of a service say about its schema. A door of its own, so that nothing of it goes into production. */
export { lintMigrations, lintRules, type Finding, type LintOptions } from './checks/lint-migrations';
export { auditPrivileges, type AuditOptions } from './checks/audit-privileges';
export { forbiddenToApp, forbiddenToOwner, type AttemptOptions } from './checks/forbidden-attempts';
export { runOldStatements, type OldStatementsOptions, type StepReport } from './checks/old-statements';
export { nextVersion } from './checks/next-version';
