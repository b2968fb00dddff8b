import type { AppError } from '@rostrum/errors';
import { runWithContext } from '@rostrum/observability';
import type { Request, Response } from 'express';
import type { Admission } from '../limits/admission';
import { EarlyAnswer } from '../limits/early-answer';
import type { Exchange } from './exchange';
import { ProvisionalReply, type AnyReply } from './provisional-reply';
import type { Reply } from './reply';

/** The route that answers. */
export interface Replying {
  produce(request: Request, response: Response, exchange: Exchange): AnyReply;
  send(reply: Reply, response: Response): void;
  fail(error: unknown, request: Request, response: Response): void;
}

export interface Question {
  request: Request;
  response: Response;
  exchange: Exchange;
}

/** A reply that is made while the rate limiter still asks Redis, and sent when the request is admitted. */
export class EarlyReply extends EarlyAnswer<Reply> {
  constructor(
    admission: Admission,
    private readonly route: Replying,
    private readonly question: Question,
  ) {
    super(admission);
  }

  protected work(): void {
    const { request, response, exchange } = this.question;
    const reply = this.route.produce(request, response, exchange);
    if (reply instanceof Promise) this.await(reply);
    else if (reply instanceof ProvisionalReply) this.check(reply);
    else this.onAnswer(reply);
  }

  private await(reply: Promise<Reply>): void {
    reply.then(
      (late) => this.onAnswer(late),
      (error: unknown) => this.onError(error),
    );
  }

  /** What it is told may come in the context of another request. */
  private check({ condition, reply, otherwise }: ProvisionalReply): void {
    condition.check((holds) => {
      if (holds) this.onAnswer(reply);
      else runWithContext(this.question.exchange.context, () => this.await(otherwise()));
    });
  }

  protected send(reply: Reply): void {
    this.route.send(reply, this.question.response);
  }

  /** The verdict may have come in the context of another request, whose id no line of this one may have. */
  protected fail(error: unknown): void {
    const { request, response, exchange } = this.question;
    runWithContext(exchange.context, () => this.route.fail(error, request, response));
  }

  protected abort(problem: AppError): void {
    this.question.exchange.abort?.abort(problem);
  }
}
