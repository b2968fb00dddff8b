import { notification as notificationSchema, type Notification } from '@rostrum/contracts';
import { Facts } from './facts';
import { RealtimeApp, type Instance, type Person } from './realtime-app';

export interface NotificationList {
  items: Notification[];
  unread: number;
}

/** The service and its worker, what people do elsewhere, and what they are told of it. */
export class NotificationScene {
  readonly facts: Facts;

  private constructor(
    readonly app: RealtimeApp,
    readonly here: Instance,
    readonly worker: Instance,
  ) {
    this.facts = new Facts(app);
  }

  static async open(): Promise<NotificationScene> {
    const app = await RealtimeApp.create();
    const [here, worker] = await Promise.all([app.instance(), app.worker()]);
    return new NotificationScene(app, here, worker);
  }

  /** Three who have never been here. */
  people(): Promise<[Person, Person, Person]> {
    const { app } = this;
    return Promise.all([app.person('ada'), app.person('grace'), app.person('linus')]);
  }

  async listOf(person: Person): Promise<NotificationList> {
    const path = 'GET /api/v1/realtime/notifications?limit=100';
    const { status, json } = await this.here.send(person, path);
    expect(status).toBe(200);
    return { ...json, items: json.items.map((item: unknown) => notificationSchema.parse(item)) };
  }

  /** What they are told once all that was done has been handled. */
  async told(person: Person): Promise<Notification[]> {
    await this.app.allHandled();
    return (await this.listOf(person)).items;
  }

  markRead(person: Person, body: unknown) {
    return this.here.send(person, 'POST /api/v1/realtime/notifications/read', body);
  }

  close(): Promise<void> {
    return this.app.stop();
  }
}
