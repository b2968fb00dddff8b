import {
  isOptional,
  type HttpMethod,
  type Parsed,
  type ResponsesContract,
  type RouteAuth,
  type RouteContract,
} from '@rostrum/contracts';
import { isAppError, problems } from '@rostrum/errors';
import { isPermission, mayDo, type AccessClaims } from '@rostrum/security';
import type { Express, Request, Response } from 'express';
import type { z } from 'zod';
import type { Admission } from '../limits/admission';
import type { Limits } from '../limits/limits';
import type { RouteGate } from '../limits/route-gate';
import { authenticate, type AuthenticationOptions } from './authenticate';
import { EarlyReply } from './early-reply';
import { exchangeOf, type Exchange } from './exchange';
import type { Idempotency, Once } from './idempotency';
import { ProvisionalReply, type AnyReply } from './provisional-reply';
import type { RouteTable } from './route-table';
import { createBodyReader, type BodyReader } from './read-body';
import type { ReadyBody } from './ready-body';
import { sendReply, type Reply } from './reply';
import { signalOf } from './request-signal';
import { checkResponse, validate } from './validate';

/** What a handler gets: only validated values. */
export interface RouteInput<Params, Query, Body, User> {
  params: Params;
  query: Query;
  body: Body;
  user: User;
  request: Request;
  /** Makes a change that the client can repeat; only where the contract is idempotent. */
  once: Once;
  /** Aborted when the client goes away, or is over its limit. Made only where it is asked for. */
  readonly signal: AbortSignal;
}

type UserOf<Auth extends RouteAuth> = Auth extends 'user' ? AccessClaims : undefined;

type BodyOf<Responses extends ResponsesContract, Status extends keyof Responses> = Responses[Status] extends {
  schema: infer Schema extends z.ZodType;
}
  ? | { body: z.input<Schema>; raw?: never }
    | { raw: string | Buffer | ReadyBody; bytes?: number; body?: never }
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
    ) => AnyReply<Answer>,
    options?: BindOptions,
  ): void;
  /** Every contract bound so far. */
  readonly contracts: readonly RouteContract[];
}

export interface BinderOptions extends AuthenticationOptions {
  /** Answers an error that nobody waits for. */
  onError: (error: unknown, request: Request, response: Response) => void;
  /** Whether responses are checked against their contracts; for development and tests. */
  checkResponses: boolean;
  limits?: Limits | undefined;
  idempotency?: Idempotency | undefined;
}

export interface BindOptions {
  /**
   * The handler begins with a cached read and changes nothing: it is started while the rate limiter still asks Redis,
   * so that both take one round trip. What comes of it is held back until the request is admitted.
   */
  startsWithRead?: boolean;
}

type LooseInput = RouteInput<unknown, unknown, unknown, AccessClaims | undefined>;
type LooseHandler = (input: LooseInput) => AnyReply;

/** Each route is bound twice: to the table, which most requests are found by, and to Express, which knows the rest. */
export function createRouteBinder(
  app: Pick<Express, HttpMethod>,
  table: RouteTable<BoundRoute>,
  options: BinderOptions,
): RouteBinder {
  const contracts: RouteContract[] = [];
  return {
    contracts,
    bind(contract, handler, bindOptions) {
      contracts.push(contract);
      const work = { handler: handler as unknown as LooseHandler, ...bindOptions };
      const route = new BoundRoute(contract, work, options);
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
  private readonly gate: RouteGate | undefined;

  constructor(
    private readonly contract: RouteContract,
    private readonly work: { handler: LooseHandler } & BindOptions,
    private readonly options: BinderOptions,
  ) {
    assertPermission(contract);
    assertIdempotency(contract, options);
    this.gate = options.limits?.gateFor(contract);
    this.label = `${contract.method.toUpperCase()} ${contract.path}`;
    this.readBody =
      contract.body && createBodyReader({ limit: contract.bodyLimit, optional: isOptional(contract.body) });
  }

  handle(request: Request, response: Response, params: Record<string, unknown>): void | Promise<void> {
    const exchange = exchangeOf(response) as Exchange;
    exchange.route = this.contract.path;
    exchange.params = params;
    exchange.context.endpoint = this.label;
    if (this.contract.auth === 'none') return this.limit(request, response, exchange);
    let user: AccessClaims | Promise<AccessClaims>;
    try {
      user = authenticate(request, this.options);
    } catch (error) {
      return this.turnAway(error, request, exchange);
    }
    if (!(user instanceof Promise)) return this.admit(user, request, response);
    return user.then(
      (claims) => this.admit(claims, request, response),
      (error: unknown) => this.turnAway(error, request, exchange),
    );
  }

  private admit(user: AccessClaims, request: Request, response: Response): void | Promise<void> {
    const exchange = exchangeOf(response) as Exchange;
    exchange.user = user;
    exchange.context.userId = user.userId;
    return this.limit(request, response, exchange);
  }

  private limit(request: Request, response: Response, exchange: Exchange): void | Promise<void> {
    if (!this.gate) return this.read(request, response, exchange);
    const admission = this.gate.enter(request, exchange.user);
    return admission instanceof Promise
      ? admission.then((late) => this.readUnder(late, request, response))
      : this.readUnder(admission, request, response);
  }

  private readUnder(
    admission: Admission | undefined,
    request: Request,
    response: Response,
  ): void | Promise<void> {
    const exchange = exchangeOf(response) as Exchange;
    exchange.admission = admission;
    if (!admission) return this.read(request, response, exchange);
    if (this.work.startsWithRead)
      return new EarlyReply(admission, this, { request, response, exchange }).begin();
    return admission.before(() => this.read(request, response, exchange));
  }

  /** Who is turned away has asked all the same, and is told so; only an address is known of them. */
  private async turnAway(error: unknown, request: Request, exchange: Exchange): Promise<void> {
    if (this.gate && isAppError(error) && error.status < 500) {
      exchange.admission = await this.gate.enter(request, undefined);
      await exchange.admission?.before(() => undefined);
    }
    throw error;
  }

  private read(request: Request, response: Response, exchange: Exchange): void | Promise<void> {
    const produced = this.produce(request, response, exchange);
    const reply = produced instanceof ProvisionalReply ? produced.settled() : produced;
    return reply instanceof Promise
      ? reply.then((late) => this.send(late, response))
      : this.send(reply, response);
  }

  produce(request: Request, response: Response, exchange: Exchange): AnyReply {
    const { permission } = this.contract;
    if (permission !== undefined && !mayDo(exchange.user?.roles ?? [], permission))
      throw problems.forbidden();
    if (!this.readBody) return this.work.handler(this.input(request, exchange, undefined));
    return this.readBody(request, response).then((body) => {
      const reply = this.work.handler(this.input(request, exchange, body));
      return reply instanceof ProvisionalReply ? reply.settled() : reply;
    });
  }

  private input(request: Request, exchange: Exchange, body: unknown): LooseInput {
    const { contract } = this;
    return new Input(
      request,
      contract.params && validate(contract.params, exchange.params, 'path'),
      contract.query && validate(contract.query, request.query, 'query'),
      contract.body && validate(contract.body, body, 'body'),
      exchange.user,
      // A route that is not idempotent has nothing to ask, and one that is asks for one header.
      contract.idempotent ? this.options.idempotency?.onceFor(contract, request, exchange) : undefined,
    );
  }

  send(reply: Reply, response: Response): void {
    // It took so long that its client has had another answer.
    if (response.headersSent) return;
    const { raw, body } = reply;
    if (this.options.checkResponses && (raw === undefined || body !== undefined)) {
      checkResponse(this.contract.responses[reply.status]?.schema, body, this.contract.operationId);
    }
    sendReply(response, reply);
  }

  fail(error: unknown, request: Request, response: Response): void {
    this.options.onError(error, request, response);
  }
}

/** A permission that is not in the policy, or one without a token to read roles from, is our mistake: told at boot. */
function assertPermission({ auth, permission, operationId }: RouteContract): void {
  if (permission === undefined || (auth === 'user' && isPermission(permission))) return;
  throw new Error(`${operationId} asks for the permission "${permission}", which nobody could ever show`);
}

/** Keys are kept in a table of the service's: a route of one that has none is our mistake too. */
function assertIdempotency({ idempotent, operationId }: RouteContract, options: BinderOptions): void {
  if (!idempotent || options.idempotency) return;
  throw new Error(`${operationId} is idempotent, but there is no place to keep its keys`);
}

class Input implements LooseInput {
  // eslint-disable-next-line max-params -- made once per request on the hot path; an options object would be one more
  constructor(
    readonly request: Request,
    readonly params: unknown,
    readonly query: unknown,
    readonly body: unknown,
    readonly user: AccessClaims | undefined,
    private readonly repeatable: Once | undefined,
  ) {}

  get once(): Once {
    if (!this.repeatable) throw new Error('Only a route whose contract is idempotent can do a thing once');
    return this.repeatable;
  }

  get signal(): AbortSignal {
    return signalOf(this.request.res as Response);
  }
}
