/** What people are written to about. */
export const mailKinds = [
  'verify-email',
  'change-email',
  'email-changed',
  'reset-password',
  'password-changed',
  'token-replayed',
  'sign-in-changed',
  'new-device',
  'account-deletion',
  'account-restored',
  'account-deleted',
  'notification-digest',
] as const;

export type MailKind = (typeof mailKinds)[number];

/** A mail that is to be sent. */
export interface NewMailJob {
  kind: MailKind;
  userId?: string | undefined;
  /** For who is not known yet: whom it means is found out when the mail is sent, so that asking takes the same time. */
  emailIndex?: Buffer | undefined;
  /** Where it is to go to an address that is not the account's any more. */
  to?: string | undefined;
  /** Facts for the text; nothing secret and nothing personal. */
  details?: Readonly<Record<string, string>> | undefined;
}

export interface MailJob {
  id: string;
  kind: MailKind;
  userId: string | null;
  emailIndex: Buffer | null;
  toSealed: Buffer | null;
  details: Record<string, string>;
  createdAt: Date;
  /** How often it has been tried, this time included. */
  attempts: number;
}
