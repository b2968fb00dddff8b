import { createTransport, type Transporter } from 'nodemailer';
import type { RenderedMail } from './render-mail';

export interface SmtpOptions {
  url: string;
  from: string;
  /** Whether a server that offers no TLS is sent nothing. */
  requireTls: boolean;
}

export interface OutgoingMail extends RenderedMail {
  /** The same each time that a mail is tried: who gets it twice can tell. */
  id: string;
  to: string;
}

/**
 * What became of a try: `refused` is the server's last word, `later` may turn out well another time, and with
 * `unreachable` nothing was said about this mail at all.
 */
export type SendResult =
  { outcome: 'sent' } | { outcome: 'refused' | 'later' | 'unreachable'; reason: string };

const connections = 2;
const timeouts = { connectionTimeout: 5_000, greetingTimeout: 5_000, socketTimeout: 15_000 };

/** Sends mail over a few kept connections. */
export class SmtpSender {
  private readonly transport: Transporter;
  private readonly host: string;

  constructor(private readonly options: SmtpOptions) {
    const { url, requireTls, from } = options;
    this.transport = createTransport({
      url,
      pool: true,
      maxConnections: connections,
      requireTLS: requireTls && !url.startsWith('smtps:'),
      disableFileAccess: true,
      disableUrlAccess: true,
      ...timeouts,
    });
    this.host = /@([\w.-]+)>?$/.exec(from)?.[1] ?? 'localhost';
  }

  async send({ id, to, subject, text, html }: OutgoingMail): Promise<SendResult> {
    try {
      await this.transport.sendMail({
        messageId: `<${id}@${this.host}>`,
        from: this.options.from,
        // As an object: what people chose must not be read as a list of further addresses.
        to: { name: '', address: to },
        subject,
        text,
        html,
        headers: { 'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'All' },
      });
      return { outcome: 'sent' };
    } catch (error) {
      return resultOf(error);
    }
  }

  close(): void {
    this.transport.close();
  }
}

/** Says what went wrong without the server's words, which may repeat the address. */
function resultOf(error: unknown): SendResult {
  const { responseCode, code = 'unknown' } = error as { responseCode?: number; code?: string };
  if (responseCode === undefined) return { outcome: 'unreachable', reason: code };
  const reason = `${code} ${responseCode}`;
  // Who we are, or that there is no TLS, is no fault of the mail.
  if (code === 'EAUTH' || code === 'ETLS') return { outcome: 'unreachable', reason };
  return { outcome: responseCode >= 500 ? 'refused' : 'later', reason };
}
