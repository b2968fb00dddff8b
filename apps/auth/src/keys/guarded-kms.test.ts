import { KmsError, type Kms } from '@rostrum/security';
import { createPolicy, type PolicyOptions } from '@rostrum/resilience';
import { guardKms } from './guarded-kms';

/** A keeper elsewhere that does what the test says. */
class FakeKms implements Kms {
  readonly provider = 'vault';
  asked = 0;
  failure: KmsError | undefined;

  wrap = () => this.answer({ masterKeyId: 'a', bytes: Buffer.from('wrapped') });
  unwrap = () => this.answer(Buffer.from('plain'));

  private async answer<T>(value: T): Promise<T> {
    this.asked += 1;
    if (this.failure) throw this.failure;
    return value;
  }
}

const breakers = {
  openPolicy: (options: Omit<PolicyOptions, 'hooks'>) => createPolicy(options),
};
const wrapped = { masterKeyId: 'a', bytes: Buffer.from('wrapped') };

it('passes on what the keeper says', async () => {
  const kms = guardKms(new FakeKms(), breakers);
  expect(kms.provider).toBe('vault');
  expect((await kms.wrap(Buffer.from('plain'), {})).masterKeyId).toBe('a');
  expect((await kms.unwrap(wrapped, {})).toString()).toBe('plain');
});

it('leaves the keeper alone while it is down, and says why', async () => {
  const keeper = new FakeKms();
  const kms = guardKms(keeper, breakers);
  keeper.failure = new KmsError('unavailable', 'down');
  for (let i = 0; i < 5; i += 1) await expect(kms.unwrap(wrapped, {})).rejects.toThrow('down');
  await expect(kms.unwrap(wrapped, {})).rejects.toMatchObject({ name: 'KmsError', failure: 'unavailable' });
  expect(keeper.asked).toBe(5);
});

it('does not take a refusal for an outage', async () => {
  const keeper = new FakeKms();
  const kms = guardKms(keeper, breakers);
  keeper.failure = new KmsError('refused', 'not with this key');
  for (let i = 0; i < 10; i += 1)
    await expect(kms.unwrap(wrapped, {})).rejects.toMatchObject({ failure: 'refused' });
  expect(keeper.asked).toBe(10);
});
