import { createTestRedis, type TestRedis } from '@rostrum/testing';
import { patient, startLimitedService, type LimitedService } from './limited-service';

let redis: TestRedis;
let service: LimitedService;

beforeAll(async () => {
  redis = await createTestRedis();
  service = await startLimitedService(redis.url, { ...patient, RATE_LIMIT_API_REQUESTS: '4' });
});

afterAll(async () => {
  await service.stop();
  await redis.close();
});

/** What is limited begins before it is admitted; what is not goes another way. */
describe.each(['known', 'known-freely'])('a reply from memory (%s)', (route) => {
  const ask = (id: string) => service.ask(`/api/v1/${route}/${id}`);

  it('is given where what it was made of still holds', async () => {
    expect(await ask('same')).toMatchObject({ status: 200, json: { text: 'remembered same' } });
  });

  it('is not given where that does not hold any more', async () => {
    expect(await ask('changed')).toMatchObject({ status: 200, json: { text: 'read changed' } });
  });

  it('leaves what is to be said to the other way where it fails', async () => {
    expect(await ask('missing')).toMatchObject({ status: 404, json: { code: 'NOT_FOUND' } });
  });
});

it('is not given to who is refused', async () => {
  const answers = [];
  for (let asked = 0; asked < 2; asked += 1) answers.push(await service.ask('/api/v1/known/same'));
  expect(answers.map(({ status }) => status)).toEqual([200, 429]);
});
