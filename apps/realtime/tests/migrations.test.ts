import path from 'node:path';
import { migrate } from '@rostrum/data-access';
import { nextVersion } from '@rostrum/data-access/schema-checks';
import { waitFor } from '@rostrum/testing';
import { describeSchema } from '@rostrum/testing/schema-contract';
import { RealtimeApp, type Instance, type Person } from './realtime-app';

const schema = 'realtime';
const directory = path.join(__dirname, '../migrations');

describeSchema({ schema, directory, table: 'realtime.notifications' });

describe('the service', () => {
  let app: RealtimeApp;
  let instance: Instance;

  beforeEach(async () => {
    app = await RealtimeApp.create();
    [instance] = await Promise.all([app.instance(), app.worker()]);
  });

  afterEach(() => app.stop());

  /** Somebody follows somebody, who reads of it: an event handled, a row written, a list read and marked. */
  const round = async (followee: Person) => {
    await app.follow(await app.person('grace'), followee);
    const path = '/api/v1/realtime/notifications';
    const read = async () => {
      const { status, json } = await instance.send(followee, `GET ${path}`);
      return status === 200 && (json.items as { id: string; read: boolean }[]).find((each) => !each.read);
    };
    const { id } = await waitFor(read, { what: 'a notification' });
    return (await instance.send(followee, `POST ${path}/read`, { ids: [id] })).status;
  };

  it('notices nothing when its tables become those of a next version, step by step', async () => {
    const ada = await app.person('ada');
    const answers = [await round(ada)];
    const source = await nextVersion(app.database.ownerUrl, schema);
    for (const to of Object.keys(source)) {
      const step = migrate(app.database.ownerUrl, { source, schema, to }, 'up');
      answers.push(await round(ada));
      expect((await step).ran).toEqual([to]);
      answers.push(await round(ada));
    }
    expect(new Set(answers)).toEqual(new Set([204]));
    expect(app.log.lines().filter(({ level }) => level === 'error')).toEqual([]);
  });
});
