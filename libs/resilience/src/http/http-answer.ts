import { problems } from '@rostrum/errors';

/** A whole answer; what is in it is not believed yet. */
export class HttpAnswer {
  // eslint-disable-next-line max-params -- the four parts of an answer
  constructor(
    private readonly from: string,
    readonly status: number,
    readonly headers: Headers,
    readonly body: Buffer,
  ) {}

  text(): string {
    return this.body.toString('utf8');
  }

  /** Throws a 502 problem where it is not JSON. */
  json(): unknown {
    try {
      return JSON.parse(this.text());
    } catch (error) {
      throw problems.badResponse(this.from, error);
    }
  }
}
