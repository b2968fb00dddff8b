import { AppError, problems, type FieldIssue } from '@rostrum/errors';
import type { z } from 'zod';

type Part = FieldIssue['in'];

/** The validated value, or a problem that names every field that is wrong. */
export function validate<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  part: Part,
): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw problems.validation(result.error.issues.flatMap((issue) => fieldIssues(issue, part)));
}

function fieldIssues(issue: z.core.$ZodIssue, part: Part): FieldIssue[] {
  const path = issue.path.map(pointerPart).join('');
  if (issue.code !== 'unrecognized_keys')
    return [{ in: part, path, code: issue.code, message: issue.message }];
  return issue.keys.map((key) => ({
    in: part,
    path: path + pointerPart(key),
    code: 'unrecognized_key',
    message: 'There is no such field',
  }));
}

/** RFC 6901 escapes; what a client sent is cut so that an error never grows with it. */
function pointerPart(part: PropertyKey): string {
  return `/${String(part).slice(0, 64).replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

/** In development and tests a response that is not as its contract says is our mistake, and is loud. */
export function checkResponse(schema: z.ZodType | undefined, body: unknown, operation: string): void {
  const result = schema?.safeParse(body);
  if (!result || result.success) return;
  throw new AppError({
    code: 'RESPONSE_CONTRACT_BROKEN',
    status: 500,
    title: 'The response is not as the contract says',
    cause: new Error(`${operation}: ${result.error.message}`),
  });
}
