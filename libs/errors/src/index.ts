export { AppError, isAppError, type AppErrorOptions, type FieldIssue } from './app-error';
export { problems } from './problems';
export { toProblem, type Problem, type ProblemContext } from './problem-document';
