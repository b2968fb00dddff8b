import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { ask, values } from './client';
import { setStage, type Stage } from './stage';

describe('compression', () => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await setStage();
  });

  afterAll(() => stage.close());

  const decoders: Record<string, (body: Buffer) => Buffer> = { gzip: gunzipSync, br: brotliDecompressSync };

  it.each(['gzip', 'br'])('is there for large JSON, in %s', async (encoding) => {
    const answer = await ask(stage, '/api/v1/posts?do=large', { headers: { 'Accept-Encoding': encoding } });
    const plain = await ask(stage, '/api/v1/posts?do=large');

    expect(answer.headers['content-encoding']).toBe(encoding);
    expect(answer.headers.vary).toContain('Accept-Encoding');
    expect(answer.body.length).toBeLessThan(plain.body.length / 5);
    expect(decoders[encoding]?.(answer.body)).toEqual(plain.body);
    expect(plain.headers['content-encoding']).toBeUndefined();
  });

  it.each([
    ['small answers', '/api/v1/posts?do=cookies'],
    ['answers that hold tokens', '/api/v1/auth/login?do=large'],
  ])('is not there for %s', async (_what, target) => {
    const { headers, status } = await ask(stage, target, { headers: { 'Accept-Encoding': 'gzip, br' } });

    expect([status, headers['content-encoding']]).toEqual([200, undefined]);
  });

  it('leaves several cookies apart', async () => {
    const answer = await ask(stage, '/api/v1/posts?do=cookies', { headers: { 'Accept-Encoding': 'gzip' } });

    expect(values(answer, 'set-cookie')).toEqual(['session=canary-set-cookie; Secure', 'csrf=1']);
  });
});
