import { hash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK } from 'jose';

const clientId = 'rostrum';
const clientSecret = 'a secret of the test';

/** Somebody at the provider; `nonce` and `audience` are lies about the request where they are set. */
export interface Login {
  sub: string;
  email?: string;
  email_verified?: boolean;
  nonce?: string;
  aud?: string;
}

/** A small identity provider that signs in whomever the test says. Imported by itself: few tests need one. */
export class IdentityProvider {
  private readonly codes = new Map<string, { login: Login; challenge: string; nonce: string }>();
  /** What asks for tokens is answered with; `hang up` is no answer. */
  tokenEndpoint: 'tokens' | 'error' | 'hang up' = 'tokens';
  private server: Server | undefined;
  private issuer = '';

  private constructor(
    private readonly key: CryptoKey,
    private readonly jwk: JWK,
  ) {}

  static async open(): Promise<IdentityProvider> {
    const { privateKey, publicKey } = await generateKeyPair('RS256');
    const provider = new IdentityProvider(privateKey, {
      ...(await exportJWK(publicKey)),
      alg: 'RS256',
      kid: 'one',
    });
    const server = createServer((request, response) => void provider.answer(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    provider.server = server;
    provider.issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    return provider;
  }

  get setting(): string {
    return JSON.stringify([{ name: 'stub', issuer: this.issuer, clientId, clientSecret }]);
  }

  async close(): Promise<void> {
    this.server?.closeAllConnections();
    await new Promise((resolve) => this.server?.close(resolve));
  }

  /** What the browser comes back with, when somebody has signed in at that address. */
  authorize(authorizationUrl: string, login: Login): string {
    const asked = new URL(authorizationUrl).searchParams;
    if (asked.get('code_challenge_method') !== 'S256') throw new Error('It was asked for without PKCE');
    const code = `code-${this.codes.size}-${login.sub}`;
    const [challenge, nonce] = [asked.get('code_challenge') ?? '', asked.get('nonce') ?? ''];
    this.codes.set(code, { login, challenge, nonce });
    return new URLSearchParams({ code, state: asked.get('state') ?? '', iss: this.issuer }).toString();
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const send = (status: number, body: object) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
    const { issuer } = this;
    if (request.url === '/jwks') return send(200, { keys: [this.jwk] });
    if (request.url !== '/token')
      return send(200, {
        issuer,
        authorization_endpoint: `${issuer}/authorize`,
        token_endpoint: `${issuer}/token`,
        jwks_uri: `${issuer}/jwks`,
        response_types_supported: ['code'],
        id_token_signing_alg_values_supported: ['RS256'],
      });
    if (this.tokenEndpoint === 'hang up') return void request.socket.destroy();
    if (this.tokenEndpoint === 'error') return send(500, { error: 'server_error' });
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const form = new URLSearchParams(body);
    const found = this.codes.get(form.get('code') ?? '');
    const challenge = hash('sha256', form.get('code_verifier') ?? '', 'base64url');
    if (!found || found.challenge !== challenge) return send(400, { error: 'invalid_grant' });
    const claims = { nonce: found.nonce, aud: clientId, ...found.login };
    const id_token = await new SignJWT(claims)
      .setProtectedHeader({ alg: 'RS256', kid: 'one' })
      .setIssuer(issuer)
      .setIssuedAt()
      .setExpirationTime('5m')
      .sign(this.key);
    return send(200, { access_token: 'unused', token_type: 'Bearer', id_token });
  }
}
