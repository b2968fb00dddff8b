export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  /** The body, parsed; undefined where there is none. */
  json: any; // eslint-disable-line @typescript-eslint/no-explicit-any -- each test says what it expects to find
}

export interface Question {
  body?: unknown;
  token?: string;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

/** The whole of a response. */
export async function answerOf(response: Response): Promise<Answer> {
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    text,
    json: text === '' ? undefined : JSON.parse(text),
  };
}

/** The value of a series among metrics; NaN where it is not there. */
export function valueOf(series: string, metrics: string): number {
  const name = series.replace(/\{.*/, '');
  const labels = [...series.matchAll(/\w+="[^"]*"/g)].map(([label]) => label);
  const line = metrics
    .split('\n')
    .find((each) => /^\w+/.exec(each)?.[0] === name && labels.every((label) => each.includes(label)));
  return line ? Number(line.split(' ').at(-1)) : Number.NaN;
}

/** The headers that have to be the same for whoever asks. */
export function tellingHeaders({ headers }: Answer): Record<string, string> {
  const changing = /^(date|x-request-id|content-length|(x-)?ratelimit.*)$/;
  return Object.fromEntries([...headers].filter(([name]) => !changing.test(name)));
}

/** Every error is a problem document that says nothing of how we work. */
export function expectProblem({ status, headers, text, json }: Answer): void {
  expect(headers.get('content-type')).toBe('application/problem+json');
  expect(headers.get('cache-control')).toBe('no-store');
  expect(json).toMatchObject({ status, requestId: headers.get('x-request-id') });
  expect(text).not.toMatch(/select |insert |\.ts:|node_modules|argon2/);
}
