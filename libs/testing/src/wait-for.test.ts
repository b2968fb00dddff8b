import { waitFor } from './wait-for';

it('resolves with the first truthy answer', async () => {
  let asked = 0;
  expect(await waitFor(() => (asked += 1) >= 3 && `asked ${asked} times`)).toBe('asked 3 times');
});

it('takes an error for "not yet"', async () => {
  let asked = 0;
  const answer = await waitFor(() => {
    if ((asked += 1) < 3) throw new Error('not yet');
    return true;
  });
  expect(answer).toBe(true);
});

it('says what did not come true, and why not', async () => {
  const wait = waitFor(() => Promise.reject(new Error('refused')), { timeoutMs: 20, what: 'the port' });
  await expect(wait).rejects.toMatchObject({
    message: 'the port did not come true within 20 ms',
    cause: new Error('refused'),
  });
});
