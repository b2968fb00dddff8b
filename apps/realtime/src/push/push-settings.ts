import { createECDH } from 'node:crypto';
import { derived, integer, list, serviceSettings, setting } from '@rostrum/config';
import { z } from 'zod';
import { isPushService } from './push-services';

/** What identifies us to push services. */
export interface VapidKeys {
  subject: string;
  publicKey: string;
  privateKey: string;
}

const given = {
  environment: serviceSettings.environment,
  vapidPrivateKey: setting(z.base64url().length(43).optional(), {
    env: 'VAPID_PRIVATE_KEY',
    doc: 'signs what push services are sent: a P-256 private key, 32 bytes in base64url. Another one ends all subscriptions; production needs one',
    secret: true,
  }),
  vapidSubject: setting(
    z
      .string()
      .regex(/^(mailto:\S+@\S+|https:\/\/\S+)$/)
      .optional(),
    {
      env: 'VAPID_SUBJECT',
      doc: 'where push services reach us about what we send: mailto:… or https://…; production needs one',
    },
  ),
};

/** The ones that the large browsers use. */
const knownServices =
  'fcm.googleapis.com,*.push.services.mozilla.com,*.notify.windows.com,web.push.apple.com';

export const pushSettings = {
  vapidPrivateKey: given.vapidPrivateKey,
  vapidSubject: given.vapidSubject,
  vapidKeys: derived(given, ({ environment, vapidPrivateKey: privateKey, vapidSubject: subject }) => {
    if (privateKey !== undefined && subject !== undefined)
      return { subject, privateKey, publicKey: publicKeyOf(privateKey) };
    const missing = privateKey === undefined ? 'VAPID_PRIVATE_KEY' : 'VAPID_SUBJECT';
    if (environment === 'production' || environment === 'staging' || privateKey !== subject)
      throw new Error(`${missing} is missing: no push service takes anything without it`);
    return undefined;
  }),
  pushServices: setting(
    list(z.string().refine(isPushService, 'must be a host, *.host, or an origin')).default(
      knownServices.split(','),
    ),
    {
      env: 'PUSH_SERVICES',
      doc: 'where pushes may be sent: hosts (*.example.org is all below it), reached by https at public addresses alone; or whole origins such as http://127.0.0.1:9000, which are trusted as they are',
    },
  ),
};

export const pushWorkSettings = {
  ...pushSettings,
  pushFirstRetrySeconds: setting(integer(0, 3_600).default(30), {
    env: 'PUSH_FIRST_RETRY',
    doc: 'seconds until a push that could not be sent is tried again; doubled each time, up to an hour',
  }),
};

function publicKeyOf(privateKey: string): string {
  const pair = createECDH('prime256v1');
  pair.setPrivateKey(Buffer.from(privateKey, 'base64url'));
  return pair.getPublicKey('base64url');
}
