import { generateKeyPairSync } from 'node:crypto';
import { importJWK, jwtVerify } from 'jose';

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const options = {
  privateKeyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  issuer: 'https://auth.test',
  audience: 'rostrum',
  ttlSeconds: 900,
};
const subject = { userId: 'ada', sessionId: 'first', username: 'ada', roles: ['user'] };

afterEach(() => {
  jest.dontMock('node:os');
  jest.resetModules();
});

/** The signer of a machine with so many cores. */
async function signerWith(cores: number) {
  jest.resetModules();
  const os = jest.requireActual<object>('node:os');
  jest.doMock('node:os', () => ({ ...os, availableParallelism: () => cores }));
  const { createAccessTokenSigner } = await import('./access-token-signer');
  return createAccessTokenSigner(options);
}

describe.each([
  { cores: 1, where: 'in the thread that asks for it', isDone: true },
  { cores: 2, where: 'in another thread', isDone: false },
])('with $cores of the processor’s cores', ({ cores, where, isDone }) => {
  it(`a token is signed ${where}, and good`, async () => {
    const signer = await signerWith(cores);
    let isSigned = false;
    const token = signer.sign(subject).finally(() => (isSigned = true));
    // What another thread has done is only told in a later turn of the event loop.
    for (let i = 0; i < 20; i += 1) await Promise.resolve();
    expect(isSigned).toBe(isDone);
    const { payload } = await jwtVerify(await token, await importJWK(signer.publicJwk), {
      issuer: options.issuer,
      audience: options.audience,
      typ: 'at+jwt',
      algorithms: ['RS256'],
    });
    expect(payload).toMatchObject({ sub: 'ada', sid: 'first', roles: ['user'] });
  });
});
