import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { chromium, type Browser, type CDPSession, type Page } from 'playwright-core';

const provider = path.join(__dirname, '../../../tools/native/chromium-binary.mjs');
const longestProvisionMs = 300_000;
const longestStartMs = 90_000;

export const relyingParty = 'rostrum.test';
export const ownOrigin = `https://${relyingParty}`;
export const passkeySettings = { WEBAUTHN_RP_ID: relyingParty, WEBAUTHN_ORIGINS: ownOrigin };

/** What goes to and comes from `navigator.credentials`; each test says what it expects to find. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- the standard's JSON, which the tests change at will
export type WebAuthnJson = any;

/** A real browser with an authenticator that it emulates. */
export class PasskeyBrowser {
  private constructor(
    private readonly browser: Browser,
    private readonly page: Page,
    private readonly protocol: CDPSession,
    private readonly authenticatorId: string,
  ) {}

  static async open(): Promise<PasskeyBrowser> {
    const timeout = longestProvisionMs;
    const { stdout } = await promisify(execFile)(process.execPath, [provider], { timeout });
    const browser = await chromium.launch({
      executablePath: stdout.trim(),
      timeout: longestStartMs,
      args: ['--no-sandbox'],
    });
    const page = await browser.newPage();
    await page.route('**/*', (route) =>
      route.fulfill({ contentType: 'text/html', body: '<title>A page</title>' }),
    );
    await page.goto(ownOrigin, { timeout: longestStartMs });
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
