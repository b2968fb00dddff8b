const brand = Symbol.for('rostrum.app-error');

/** One thing that is wrong with one field of a request; `path` is a JSON Pointer into the part named by `in`. */
export interface FieldIssue {
  in: 'body' | 'query' | 'path' | 'header';
  path: string;
  code: string;
  message: string;
}

export interface AppErrorOptions {
  /** Stable and machine-readable: clients and tests tell errors apart by it. */
  code: string;
  status: number;
  title: string;
  detail?: string;
  fields?: FieldIssue[];
  retryAfterSeconds?: number;
  headers?: Record<string, string>;
  /** Further members of the problem document. */
  extensions?: Record<string, unknown>;
  cause?: unknown;
}

/** An error that has an answer: everything a problem document needs, and the cause for the log. */
export class AppError extends Error {
  override readonly name = 'AppError';
  readonly [brand] = true;
  readonly code: string;
  readonly status: number;
  readonly title: string;
  readonly detail: string | undefined;
  readonly fields: FieldIssue[] | undefined;
  readonly retryAfterSeconds: number | undefined;
  readonly headers: Record<string, string> | undefined;
  readonly extensions: Record<string, unknown> | undefined;

  constructor(options: AppErrorOptions) {
    super(
      options.detail ?? options.title,
      options.cause === undefined ? undefined : { cause: options.cause },
    );
    this.code = options.code;
    this.status = options.status;
    this.title = options.title;
    this.detail = options.detail;
    this.fields = options.fields;
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.headers = options.headers;
    this.extensions = options.extensions;
  }
}

/** Recognises an AppError by its brand, so that two copies of this library still understand each other. */
export function isAppError(error: unknown): error is AppError {
  return typeof error === 'object' && error !== null && brand in error;
}
