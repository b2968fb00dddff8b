import type { Queryable } from '@rostrum/data-access';
import { DigestsRepository } from '../digest/digests.repository';
import { ForgottenPeopleRepository } from './forgotten-people.repository';
import { NotificationsRepository } from './notifications.repository';

/** How long anything is kept here. */
const days = 90;
const batch = 1_000;

/** Removes what is too old to matter, in steps that nobody notices. */
export class Retention {
  private readonly steps: readonly (() => Promise<number>)[];

  constructor(database: Queryable) {
    const notifications = new NotificationsRepository(database);
    const people = new ForgottenPeopleRepository(database);
    const digests = new DigestsRepository(database);
    this.steps = [
      () => notifications.removeOlderThan(days, batch),
      () => people.removeOlderThan(days, batch),
      () => digests.removeOlderThan(days, batch),
    ];
  }

  async round(): Promise<void> {
    for (const step of this.steps) {
      let removed = batch;
      while (removed === batch) removed = await step();
    }
  }
}
