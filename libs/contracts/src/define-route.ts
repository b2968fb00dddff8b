import type { z } from 'zod';

export type HttpMethod = 'get' | 'post' | 'put' | 'patch' | 'delete';

/** Who may call: anybody, or the holder of an access token. */
export type RouteAuth = 'none' | 'user';

/**
 * What limits a route: `api` counts per user, or per address where there is none; `auth` is for where credentials are
 * tried or made, and counts per address; `none` is for what machines ask, which costs nothing.
 */
export type RouteLimit = 'api' | 'auth' | 'none';

export interface ResponseContract {
  description: string;
  /** What the body looks like; left out where there is none. */
  schema?: z.ZodType;
  /** Response headers worth telling a client about, with what they mean. */
  headers?: Record<string, string>;
}

export type ResponsesContract = Readonly<Record<number, ResponseContract>>;

/** Everything a client must know of one route: services serve it, OpenAPI documents it, clients call it. */
export interface RouteContract<
  Params extends z.ZodType | undefined = z.ZodType | undefined,
  Query extends z.ZodType | undefined = z.ZodType | undefined,
  Body extends z.ZodType | undefined = z.ZodType | undefined,
  Responses extends ResponsesContract = ResponsesContract,
  Auth extends RouteAuth = RouteAuth,
> {
  method: HttpMethod;
  /** An Express path: `/api/v1/posts/:id`. */
  path: string;
  operationId: string;
  summary: string;
  description?: string;
  tags: readonly string[];
  auth: Auth;
  /** What the caller's roles must permit; any holder of a token may call where it is left out. */
  permission?: string;
  params?: Params;
  query?: Query;
  body?: Body;
  /** The largest body, as Express reads sizes; far below the general limit where that suits. */
  bodyLimit?: string;
  /**
   * A write that takes `Idempotency-Key`: repeated with the same key it is done once, and answered the same. The answer
   * is kept for a day, so it must not carry a secret. Keys are a user's own; where anybody may call, a key counts
   * together with all that is asked for.
   */
  idempotent?: boolean;
  /** `api` unless given. */
  rateLimit?: RouteLimit;
  responses: Responses;
  /** Problem codes of its own, by status, besides those that any route may answer. */
  problems?: Readonly<Record<number, readonly string[]>>;
}

/** Keeps the schemas' types, so that handlers and clients infer theirs. */
export function defineRoute<
  const Responses extends ResponsesContract,
  const Auth extends RouteAuth,
  Params extends z.ZodType | undefined = undefined,
  Query extends z.ZodType | undefined = undefined,
  Body extends z.ZodType | undefined = undefined,
>(
  contract: RouteContract<Params, Query, Body, Responses, Auth>,
): RouteContract<Params, Query, Body, Responses, Auth> {
  return contract;
}

/** What a handler gets for a part of the request: the validated value, or undefined where there is no schema. */
export type Parsed<Schema> = Schema extends z.ZodType ? z.output<Schema> : undefined;

/** Whether a request may come without the body that the schema describes. */
export function isOptional(schema: z.ZodType): boolean {
  return schema.safeParse(undefined).success;
}
