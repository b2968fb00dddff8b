import type { BusEvent, Transaction } from '../../src';

/** What the tests and the processes that they start agree on. */
export const schema = 'alpha';
export const group = 'counters';

export async function effect(event: BusEvent, trx: Transaction, member = 'one'): Promise<void> {
  await trx.query('effect', 'insert into effects (key, name, member) values ($1, $2, $3)', [
    event.key,
    nameOf(event),
    member,
  ]);
}

export function nameOf({ payload }: BusEvent): string {
  return (payload as { name: string }).name;
}
