import type { Config } from '@rostrum/config';
import { createOutbox, type Database } from '@rostrum/data-access';
import {
  createEventPublisher,
  RepeatedWork,
  type AdminAction,
  type BackgroundWork,
  type Kit,
  type Resource,
  type Subscriptions,
} from '@rostrum/service-kit';
import type { mailSettings, secretSettings } from './account-settings';
import { Addresses } from './accounts/addresses';
import { Purge } from './accounts/deletion.service';
import { OldAddresses } from './accounts/old-addresses';
import type { AuditLog } from './audit/audit-log';
import { BusinessEvents } from './business-events';
import type { KeyVault } from './keys/key-vault';
import { MailComposer } from './mail/mail-composer';
import { MailDelivery } from './mail/mail-delivery';
import { mailActions } from './mail/mail-actions';
import { MailJobs } from './mail/mail-jobs';
import { MailJobsRepository } from './mail/mail-jobs.repository';
import { OneTimeTokens } from './mail/one-time-tokens';
import { sendRequestedMail } from './mail/requested-mail';
import { SmtpSender } from './mail/smtp-sender';
import { PendingProofs } from './mfa/pending-proofs';
import { KeyedIndex } from './secrets/keyed-index';
import { Keyring } from './secrets/keyring';
import { SessionEndings, type SessionRevocations } from './sessions/session-endings';
import { SessionUpkeep } from './sessions/session-upkeep';

type UpkeepConfig = Config<typeof secretSettings & typeof mailSettings>;

export interface UpkeepSurroundings {
  database: Database;
  keys: { vault: KeyVault; audit: AuditLog; revocations: SessionRevocations };
}

export interface AccountUpkeep {
  subscriptions: Subscriptions;
  work: BackgroundWork[];
  resource: Resource;
  actions: Record<string, AdminAction>;
}

const minuteMs = 60_000;
const keepMailSeconds = 7 * 86_400;
const batch = 1_000;

/** What the worker does for accounts: sends their mail, deletes those whose time is over, and tidies up. */
export function composeAccountUpkeep(
  kit: Kit,
  config: UpkeepConfig,
  { database, keys }: UpkeepSurroundings,
): AccountUpkeep {
  const { audit, revocations } = keys;
  const { userKeys, envelope } = keys.vault;
  const keyring = new Keyring(config.authSecrets);
  const events = new BusinessEvents(kit);
  const addresses = new Addresses(userKeys, new KeyedIndex(keyring, 'email index'));
  const sender = new SmtpSender({
    url: config.smtpUrl,
    from: config.mailFrom,
    requireTls: config.smtpRequireTls,
  });
  const jobs = new MailJobsRepository(database);
  const publisher = createEventPublisher(createOutbox({ database, schema: kit.service }));
  const mail = new MailJobs(envelope);
  const purge = new Purge({
    database,
    publisher,
    people: { addresses, userKeys, names: new KeyedIndex(keyring, 'retired username') },
    audit,
    notices: { mail, events },
  });
  const oldAddresses = new OldAddresses(database, addresses);
  const sessions = new SessionUpkeep(database, new SessionEndings({ revocations, audit, events }));
  const tokens = new OneTimeTokens(keyring);
  const composer = new MailComposer({ database, addresses, tokens, envelope }, config.webUrl);
  kit.metrics.gauge('mail_backlog', 'Mails that wait to be sent', {
    collect: async (gauge) => gauge.set(await jobs.backlog()),
  });
  return {
    subscriptions: { realtime: [sendRequestedMail(mail)] },
    work: [
      openDelivery(kit, config, { database, composer, sender, events }),
      rounds(kit, 'deletions', () => untilDone(() => purge.purgeOne())),
      rounds(kit, 'old addresses', () => untilDone(() => oldAddresses.sealOne())),
      rounds(kit, 'sessions', () => sessions.round()),
      rounds(kit, 'pending proofs', async () => void (await new PendingProofs(database).removeOld(batch))),
      rounds(kit, 'mail jobs', async () => void (await jobs.removeDone(keepMailSeconds, batch))),
    ],
    resource: { name: 'mail server', close: () => sender.close() },
    actions: mailActions(jobs),
  };
}

interface DeliveryParts {
  database: Database;
  composer: MailComposer;
  sender: SmtpSender;
  events: BusinessEvents;
}

function openDelivery(kit: Kit, config: UpkeepConfig, parts: DeliveryParts): BackgroundWork {
  const onError = (error: unknown) => kit.logger.warn('Mail waits', { error });
  const delivery = new MailDelivery({ ...parts, onError }, config.mailFirstRetrySeconds);
  return new RepeatedWork({
    name: 'mail',
    everyMs: config.mailPollMs,
    round: () => delivery.round(),
    onError,
  });
}

function rounds({ logger }: Kit, name: string, round: () => Promise<void>): BackgroundWork {
  return new RepeatedWork({
    name,
    everyMs: minuteMs,
    round,
    onError: (error) => logger.warn(`The ${name} could not be looked after`, { error }),
  });
}

async function untilDone(step: () => Promise<boolean>): Promise<void> {
  for (let left = batch; left > 0 && (await step()); left -= 1);
}
