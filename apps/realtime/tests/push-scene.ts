import { generateKeyPairSync } from 'node:crypto';
import { waitFor } from '@rostrum/testing';
import { Facts } from './facts';
import { Browser, PushService, type ReceivedPush } from './push-service';
import { RealtimeApp, type Instance, type Person } from './realtime-app';

export const subscriptions = '/api/v1/realtime/push/subscriptions';

/** The service, its worker, and two push services that they know. */
export class PushScene {
  readonly facts: Facts;

  private constructor(
    readonly app: RealtimeApp,
    readonly here: Instance,
    readonly worker: Instance,
    readonly services: readonly [PushService, PushService],
  ) {
    this.facts = new Facts(app);
  }

  static async open(): Promise<PushScene> {
    const services = await Promise.all([PushService.open(), PushService.open()]);
    const { d = '' } = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({
      format: 'jwk',
    });
    const environment = {
      VAPID_PRIVATE_KEY: d,
      VAPID_SUBJECT: 'mailto:ops@rostrum.test',
      PUSH_SERVICES: services.map(({ origin }) => origin).join(),
      PUSH_FIRST_RETRY: '0',
      BREAKER_HALF_OPEN_AFTER_MS: '3000',
    };
    const app = await RealtimeApp.create({ environment });
    const [here, worker] = await Promise.all([app.instance(), app.worker()]);
    return new PushScene(app, here, worker, services);
  }

  /** The one that browsers use unless told otherwise. */
  get service(): PushService {
    return this.services[0];
  }

  people(): Promise<[Person, Person]> {
    return Promise.all([this.app.person('ada'), this.app.person('grace')]);
  }

  async browserOf(person: Person, { origin } = this.service): Promise<Browser> {
    const browser = new Browser(origin);
    const { status } = await this.here.send(person, `POST ${subscriptions}`, browser.subscription);
    expect(status).toBe(201);
    return browser;
  }

  /** The newest push to a browser once there are so many. */
  arrived(browser: Browser, count = 1): Promise<ReceivedPush> {
    const newest = () => this.service.to(browser).length >= count && this.service.to(browser).at(-1);
    return waitFor(newest, { what: `${count} pushes` });
  }

  subscribed({ id }: Person) {
    return this.app.rows('select * from realtime.push_subscriptions where user_id = $1', [id]);
  }

  async allTold(): Promise<void> {
    await this.app.allHandled();
    const due = () => this.app.rows('select from realtime.notification_deliveries where due_at <= now()');
    const unsent = () => this.app.rows('select from realtime.push_messages');
    await waitFor(async () => (await due()).length === 0 && (await unsent()).length === 0, {
      what: 'everything to be told',
    });
  }

  async close(): Promise<void> {
    await this.app.stop();
    await Promise.all(this.services.map((service) => service.close()));
  }
}
