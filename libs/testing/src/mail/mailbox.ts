import type { AddressInfo } from 'node:net';
import { waitFor } from '../wait-for';
import PostalMime from 'postal-mime';
import { SMTPServer } from 'smtp-server';

export interface ReceivedMail {
  id: string;
  to: string;
  from: string;
  subject: string;
  text: string;
  html: string;
  headers: Record<string, string>;
  /** Of the link, where there is one. */
  token: string | undefined;
}

/** What the mail server answers to a recipient. */
type Verdict = { code: number; message: string } | undefined;

/** A mail server of the test's own, which keeps what it is sent. Imported by itself: few tests need one. */
export class Mailbox {
  readonly mails: ReceivedMail[] = [];
  /** Set it to have mail refused. */
  verdict: (to: string) => Verdict = () => undefined;
  tries = 0;
  private server: SMTPServer | undefined;
  private port = 0;

  /** Listens, after `close` at the same port again. */
  async open(): Promise<void> {
    const server = new SMTPServer({
      authOptional: true,
      disabledCommands: ['STARTTLS'],
      logger: false,
      onRcptTo: ({ address }, _session, done) => {
        this.tries += 1;
        const verdict = this.verdict(address);
        done(verdict && Object.assign(new Error(verdict.message), { responseCode: verdict.code }));
      },
      onData: (stream, session, done) => {
        const chunks: Buffer[] = [];
        stream.on('data', (chunk: Buffer) => chunks.push(chunk));
        stream.on('end', () => {
          const to = session.envelope.rcptTo[0]?.address ?? '';
          this.keep(to, Buffer.concat(chunks)).then(() => done(), done);
        });
      },
    });
    server.on('error', () => undefined);
    await new Promise<void>((resolve) => server.listen(this.port, '127.0.0.1', resolve));
    this.port = (server.server.address() as AddressInfo).port;
    this.server = server;
  }

  get url(): string {
    return `smtp://127.0.0.1:${this.port}`;
  }

  /** Until `open`, nobody answers at its port. */
  async close(): Promise<void> {
    const { server } = this;
    this.server = undefined;
    if (server) await new Promise<void>((resolve) => server.close(resolve));
  }

  to(address: string): ReceivedMail[] {
    return this.mails.filter(({ to }) => to === address);
  }

  /** The newest mail to somebody about something, once it is there. */
  async waitFor(address: string, subject: RegExp): Promise<ReceivedMail> {
    return waitFor(() => this.to(address).findLast((mail) => subject.test(mail.subject)), {
      what: `a mail to ${address} about ${subject}`,
      timeoutMs: 20_000,
    });
  }

  private async keep(to: string, bytes: Buffer): Promise<void> {
    const {
      messageId = '',
      from,
      subject = '',
      text = '',
      html = '',
      headers,
    } = await PostalMime.parse(bytes);
    this.mails.push({
      id: messageId,
      to,
      from: from?.address ?? '',
      subject,
      text,
      html,
      headers: Object.fromEntries(headers.map(({ key, value }) => [key, value])),
      token: /#token=([\w-]+)/.exec(text)?.[1],
    });
  }
}
