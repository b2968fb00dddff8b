import { execFile } from 'node:child_process';
import { hash, X509Certificate } from 'node:crypto';
import path from 'node:path';
import { promisify } from 'node:util';
import { chromium, type Browser, type CDPSession, type Page } from 'playwright-core';

const provider = path.join(__dirname, '../../../../tools/native/chromium-binary.mjs');
const longestProvisionMs = 300_000;
const longestStartMs = 90_000;

export interface PasskeyBrowserOptions {
  /** Where it is to begin. */
  origin: string;
  /** The certificate of a server that it is to trust, in PEM. */
  certificate?: string;
}

/** What goes to and comes from `navigator.credentials`; each test says what it expects to find. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- the standard's JSON, which the tests change at will
export type WebAuthnJson = any;

/**
 * A real browser with an authenticator that it emulates. The first page of each origin is an empty one of its own, so
 * that there need not be a server; everything else is asked for where it says. Imported by itself: few tests need one.
 */
export class PasskeyBrowser {
  private constructor(
    private readonly browser: Browser,
    private readonly page: Page,
    private readonly protocol: CDPSession,
    private readonly authenticatorId: string,
  ) {}

  static async open({ origin, certificate }: PasskeyBrowserOptions): Promise<PasskeyBrowser> {
    const timeout = longestProvisionMs;
    const { stdout } = await promisify(execFile)(process.execPath, [provider], { timeout });
    const browser = await chromium.launch({
      executablePath: stdout.trim(),
      timeout: longestStartMs,
      args: ['--no-sandbox', ...(certificate === undefined ? [] : [trustIn(certificate)])],
    });
    const page = await browser.newPage();
    await page.route(
      ({ pathname }) => pathname === '/',
      (route) => route.fulfill({ contentType: 'text/html', body: '<title>A page</title>' }),
    );
    await page.goto(origin, { timeout: longestStartMs });
    const protocol = await page.context().newCDPSession(page);
    await protocol.send('WebAuthn.enable');
    const { authenticatorId } = await protocol.send('WebAuthn.addVirtualAuthenticator', {
      options: {
        protocol: 'ctap2',
        transport: 'internal',
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified: true,
        automaticPresenceSimulation: true,
      },
    });
    return new PasskeyBrowser(browser, page, protocol, authenticatorId);
  }

  close(): Promise<void> {
    return this.browser.close();
  }

  /** Goes to another page, which may use what it is allowed to. */
  async visit(origin: string): Promise<void> {
    await this.page.goto(origin);
  }

  /** What a script of the page gets for a request: its cookies go along, and what it may read of them. */
  async ask(method: string, target: string, body?: object): Promise<{ status: number; json: WebAuthnJson }> {
    const script = `(async ({ method, target, body }) => {
      const cookies = Object.fromEntries(document.cookie.split('; ').map((pair) => pair.split(/=(.*)/)));
      const token = Object.entries(cookies).find(([name]) => name.endsWith('csrf'))?.[1];
      const headers = { ...(body && { 'content-type': 'application/json' }), ...(token && { 'x-csrf-token': token }) };
      const answer = await fetch(target, { method, headers, body: body && JSON.stringify(body) });
      const text = await answer.text();
      return { status: answer.status, json: text === '' ? undefined : JSON.parse(text) };
    })`;
    return this.page.evaluate(`${script}(${JSON.stringify({ method, target, body })})`);
  }

  /** What a script of the page can read of the cookies. */
  readableCookies(): Promise<string> {
    return this.page.evaluate('document.cookie');
  }

  create(options: WebAuthnJson): Promise<WebAuthnJson> {
    return this.inPage('create', 'parseCreationOptionsFromJSON', options);
  }

  use(options: WebAuthnJson): Promise<WebAuthnJson> {
    return this.inPage('get', 'parseRequestOptionsFromJSON', options);
  }

  /** A device that has been put back to where it was: it counts its uses from the beginning. */
  async countAnew(): Promise<void> {
    const { authenticatorId } = this;
    const { credentials } = await this.protocol.send('WebAuthn.getCredentials', { authenticatorId });
    for (const credential of credentials) {
      const { credentialId } = credential;
      await this.protocol.send('WebAuthn.removeCredential', { authenticatorId, credentialId });
      await this.protocol.send('WebAuthn.addCredential', {
        authenticatorId,
        credential: { ...credential, signCount: 1 },
      });
    }
  }

  /** A new, empty device. */
  async forgetAll(): Promise<void> {
    await this.protocol.send('WebAuthn.clearCredentials', { authenticatorId: this.authenticatorId });
  }

  /** Whether whoever holds the device shows that it is theirs. */
  async verifyUser(isUserVerified: boolean): Promise<void> {
    const { authenticatorId } = this;
    await this.protocol.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified });
  }

  /** As text: our own types know no page. */
  private inPage(method: string, parser: string, options: WebAuthnJson): Promise<WebAuthnJson> {
    const publicKey = `PublicKeyCredential.${parser}(${JSON.stringify(options)})`;
    return this.page.evaluate(
      `navigator.credentials.${method}({ publicKey: ${publicKey} }).then((credential) => credential.toJSON())`,
    );
  }
}

/** Errors of certificates stay errors for all others: a page with one may use no passkeys. */
function trustIn(certificate: string): string {
  const key = new X509Certificate(certificate).publicKey.export({ type: 'spki', format: 'der' });
  return `--ignore-certificate-errors-spki-list=${hash('sha256', key, 'base64')}`;
}
