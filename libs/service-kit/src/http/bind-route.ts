import {
  isOptional,
  type HttpMethod,
  type Parsed,
  type ResponsesContract,
  type RouteAuth,
  type RouteContract,
} from '@rostrum/contracts';
import type { AccessClaims } from '@rostrum/security';
import type { Express, Request, Response } from 'express';
import type { z } from 'zod';
import { authenticate, type AuthenticationOptions } from './authenticate';
import { exchangeOf, type Exchange } from './exchange';
import type { RouteTable } from './route-table';
import { createBodyReader, type BodyReader } from './read-body';
import { sendReply, type Reply } from './reply';
import { checkResponse, validate } from './validate';

/** What a handler gets: only validated values. */
export interface RouteInput<Params, Query, Body, User> {
  params: Params;
  query: Query;
  body: Body;
  user: User;
  request: Request;
  /** Aborted when the client goes away or the service must stop. Made only where it is asked for. */
  readonly signal: AbortSignal;
}

type UserOf<Auth extends RouteAuth> = Auth extends 'user' ? AccessClaims : undefined;

type BodyOf<Responses extends ResponsesContract, Status extends keyof Responses> = Responses[Status] extends {
  schema: infer Schema extends z.ZodType;
}
  ? { body: z.input<Schema>; raw?: never } | { raw: string | Buffer; body?: never }
  : { body?: never; raw?: never };

/** One of the contract's responses, and nothing else. */
export type ReplyOf<Responses extends ResponsesContract> = {
  [Status in keyof Responses & number]: { status: Status; headers?: readonly string[] } & BodyOf<
    Responses,
    Status
  >;
}[keyof Responses & number];

type Schema = z.ZodType | undefined;

/** The router of a service: routes are bound to it by their contracts. */
export interface RouteBinder {
  bind<
    Params extends Schema,
    Query extends Schema,
    Body extends Schema,
    Responses extends ResponsesContract,
    Auth extends RouteAuth,
    const Answer extends ReplyOf<Responses>,
  >(
    contract: RouteContract<Params, Query, Body, Responses, Auth>,
    handler: (
      input: RouteInput<Parsed<Params>, Parsed<Query>, Parsed<Body>, UserOf<Auth>>,
    ) => Answer | Promise<Answer>,
  ): void;
  /** Every contract bound so far. */
  readonly contracts: readonly RouteContract[];
}

export interface BinderOptions extends AuthenticationOptions {
  /** Whether responses are checked against their contracts; for development and tests. */
  checkResponses: boolean;
}

type LooseInput = RouteInput<unknown, unknown, unknown, AccessClaims | undefined>;
type LooseHandler = (input: LooseInput) => Reply | Promise<Reply>;

/** Each route is bound twice: to the table, which most requests are found by, and to Express, which knows the rest. */
export function createRouteBinder(
  app: Pick<Express, HttpMethod>,
  table: RouteTable<BoundRoute>,
  options: BinderOptions,
): RouteBinder {
  const contracts: RouteContract[] = [];
  return {
    contracts,
    bind(contract, handler) {
      contracts.push(contract);
      const route = new BoundRoute(contract, handler as unknown as LooseHandler, options);
      table.add(contract.method.toUpperCase(), contract.path, route);
      app[contract.method](contract.path, (request, response) =>
        route.handle(request, response, request.params),
      );
    },
  };
}

/** One route at work. Nothing waits that need not: with a known token and no body it answers in the same tick. */
export class BoundRoute {
  private readonly label: string;
  private readonly readBody: BodyReader | undefined;

  constructor(
    private readonly contract: RouteContract,
    private readonly handler: LooseHandler,
    private readonly options: BinderOptions,
  ) {
    this.label = `${contract.method.toUpperCase()} ${contract.path}`;
    this.readBody =
      contract.body && createBodyReader({ limit: contract.bodyLimit, optional: isOptional(contract.body) });
  }

  handle(request: Request, response: Response, params: Record<string, unknown>): void | Promise<void> {
    const exchange = exchangeOf(response) as Exchange;
    exchange.route = this.contract.path;
    exchange.params = params;
    exchange.context.endpoint = this.label;
    if (this.contract.auth === 'none') return this.read(request, response, exchange);
    const user = authenticate(request, this.options);
    if (!(user instanceof Promise)) return this.admit(user, request, response);
    return user.then((claims) => this.admit(claims, request, response));
  }

  private admit(user: AccessClaims, request: Request, response: Response): void | Promise<void> {
    const exchange = exchangeOf(response) as Exchange;
    exchange.user = user;
    exchange.context.userId = user.userId;
    return this.read(request, response, exchange);
  }

  private read(request: Request, response: Response, exchange: Exchange): void | Promise<void> {
    if (!this.readBody) return this.answer(this.input(request, exchange, undefined), response);
    return this.readBody(request, response).then((body) =>
      this.answer(this.input(request, exchange, body), response),
    );
  }

  private input(request: Request, exchange: Exchange, body: unknown): LooseInput {
    const { contract } = this;
    return new Input(
      request,
      contract.params && validate(contract.params, exchange.params, 'path'),
      contract.query && validate(contract.query, request.query, 'query'),
      contract.body && validate(contract.body, body, 'body'),
      exchange.user,
    );
  }

  private answer(input: LooseInput, response: Response): void | Promise<void> {
    const reply = this.handler(input);
    return reply instanceof Promise
      ? reply.then((late) => this.send(late, response))
      : this.send(reply, response);
  }

  private send(reply: Reply, response: Response): void {
    if (this.options.checkResponses && reply.raw === undefined) {
      checkResponse(this.contract.responses[reply.status]?.schema, reply.body, this.contract.operationId);
    }
    sendReply(response, reply);
  }
}

class Input implements LooseInput {
  // eslint-disable-next-line max-params -- made once per request on the hot path; an options object would be one more
  constructor(
    readonly request: Request,
    readonly params: unknown,
    readonly query: unknown,
    readonly body: unknown,
    readonly user: AccessClaims | undefined,
  ) {}

  get signal(): AbortSignal {
    const controller = new AbortController();
    this.request.res?.once('close', () => {
      if (!this.request.res?.writableFinished) controller.abort();
    });
    return controller.signal;
  }
}
