import type { MailKind } from './mail-job';
import { digestOf } from './digest-lines';
import { signInChange } from './sign-in-changes';

/** A mail before it has a form: what it says, in paragraphs, and where it leads. */
export interface MailText {
  subject: string;
  paragraphs: readonly string[];
  link?: { label: string; url: string };
}

export interface MailFacts {
  username: string;
  /** Where people use the product. */
  webUrl: string;
  /** What makes the link work, for one use. */
  token?: string | undefined;
  details: Readonly<Record<string, string>>;
}

const unasked = 'If this was not you, choose a new password now: whoever it was knows yours.';

/** In the part of an address that browsers send to nobody: no server log and no other site gets to see the token. */
function link(label: string, { webUrl, token }: MailFacts, page: string) {
  return { label, url: `${webUrl.replace(/\/$/, '')}/${page}#token=${token ?? ''}` };
}

function resetLink(facts: MailFacts) {
  return { label: 'Choose a new password', url: `${facts.webUrl.replace(/\/$/, '')}/forgot-password` };
}

/** Another account claims an address whose owner is known: only the owner is told. */
export function addressInUse({ username, webUrl, details }: MailFacts): MailText {
  const { claimedBy } = details;
  return {
    subject: 'You already have an account',
    paragraphs: [
      `Somebody wanted to use this address for the account @${claimedBy}. It belongs to your account @${username} already, so nothing has changed.`,
      'If that was you: sign in as before. If you have forgotten your password, choose a new one. If it was somebody else, there is nothing to do.',
    ],
    link: { label: 'Sign in', url: webUrl },
  };
}

export const mailTexts: Record<MailKind, (facts: MailFacts) => MailText> = {
  'verify-email': (facts) => ({
    subject: 'Is this your address?',
    paragraphs: [
      `Somebody, hopefully you, has made the account @${facts.username} with this address. Show that it is yours with the link; it works once, for a day.`,
      'If you have not made this account, do not follow the link: the account would become one with your address.',
    ],
    link: link('This is my address', facts, 'verify-email'),
  }),
  'change-email': (facts) => ({
    subject: 'Your new address',
    paragraphs: [
      `@${facts.username} is to have this address from now on. Show that it is yours with the link; it works once, for a day. Until then the old address stays.`,
      'If you know nothing of this, there is nothing to do.',
    ],
    link: link('This is my address', facts, 'verify-email'),
  }),
  'email-changed': ({ username, webUrl }) => ({
    subject: 'Your account has another address now',
    paragraphs: [`@${username} no longer has this address. Mails go to the new one from now on.`, unasked],
    link: { label: 'Open Rostrum', url: webUrl },
  }),
  'reset-password': (facts) => ({
    subject: 'A new password',
    paragraphs: [
      `Somebody, hopefully you, has asked to choose a new password for @${facts.username}. The link works once, for half an hour, and ends all sessions.`,
      'If you have not asked for this, there is nothing to do: your password stays as it is.',
    ],
    link: link('Choose a new password', facts, 'reset-password'),
  }),
  'password-changed': (facts) => ({
    subject: 'Your password has been changed',
    paragraphs: [
      `The password of @${facts.username} has been changed, and all other sessions have ended.`,
      unasked,
    ],
    link: resetLink(facts),
  }),
  'token-replayed': (facts) => ({
    subject: 'We have ended one of your sessions',
    paragraphs: [
      `Something that keeps @${facts.username} signed in was used twice. That happens when it has been copied from your device, so we have ended that session. Sign in again to go on.`,
      'If this comes again, or you do not trust one of your devices any more, choose a new password: that ends all sessions.',
    ],
    link: resetLink(facts),
  }),
  'sign-in-changed': (facts) => ({
    subject: 'What you sign in with has changed',
    paragraphs: [`@${facts.username}: ${signInChange(facts.details['change'])}`, unasked],
    link: resetLink(facts),
  }),
  'new-device': (facts) => ({
    subject: 'Somebody has signed in on another device',
    paragraphs: [
      `@${facts.username} was signed in to on a device that we do not know: ${facts.details['client']}, on ${facts.details['at']}.`,
      `If that was you, there is nothing to do. ${unasked}`,
    ],
    link: resetLink(facts),
  }),
  'account-deletion': ({ username, webUrl, details: { deletedAfter } }) => ({
    subject: 'Your account will be deleted',
    paragraphs: [
      `@${username} will be deleted after ${deletedAfter}. Nobody sees anything of it by then, and nothing can bring it back.`,
      'If you change your mind, sign in before that day: your account is then as it was.',
    ],
    link: { label: 'Sign in to keep it', url: webUrl },
  }),
  'account-restored': ({ username, webUrl }) => ({
    subject: 'Your account stays',
    paragraphs: [`You have signed in as @${username}, so the account is not deleted.`, unasked],
    link: { label: 'Open Rostrum', url: webUrl },
  }),
  'notification-digest': ({ username, webUrl, details }) => ({
    subject: 'What you have missed',
    paragraphs: [
      `@${username}, since the last of these mails there is for you: ${digestOf(details)}.`,
      'You get this mail at most once a day because you have asked for it. The settings of your notifications end it.',
    ],
    link: { label: 'See what is new', url: webUrl },
  }),
  'account-deleted': ({ username }) => ({
    subject: 'Your account has been deleted',
    paragraphs: [`@${username} is gone, with everything that we kept of you. This is the last mail.`],
  }),
};
