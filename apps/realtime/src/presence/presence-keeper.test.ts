import { waitFor } from '@rostrum/testing';
import { PresenceKeeper } from './presence-keeper';
import type { SignOfLife } from './presence.store';

const ada = { userId: 'ada', username: 'ada_l' };

function recorded() {
  const calls: string[] = [];
  const errors: unknown[] = [];
  const hints: string[] = [];
  let failing = false;
  const record = async (call: string) => {
    calls.push(call);
    if (failing) throw new Error('Redis is away');
  };
  const shown = ({ userId, state }: SignOfLife) => (state === 'online' ? userId : `${userId} ${state}`);
  const store = {
    announce: (people: readonly SignOfLife[]) => record(`announce ${people.map(shown).join(', ')}`),
    withdraw: (userId: string) => record(`withdraw ${userId}`),
  };
  const hint = async (username: string) => void hints.push(username);
  const keeper = new PresenceKeeper({ store, hint, onError: (error) => errors.push(error) });
  return { keeper, calls, errors, hints, fail: () => (failing = true) };
}

describe('the keeper of presence', () => {
  it('announces all users at once, once a beat, however many sockets have answered', () => {
    const { keeper, calls } = recorded();
    for (let i = 0; i < 5; i += 1) keeper.alive('ada');
    keeper.alive('grace');
    expect(calls).toEqual([]);
    keeper.beat();
    keeper.beat();
    expect(calls).toEqual(['announce ada, grace']);
  });

  it('does not bring back who has left', () => {
    const { keeper, calls } = recorded();
    keeper.arrived(ada);
    keeper.alive('ada');
    keeper.left(ada);
    keeper.beat();
    expect(calls).toEqual(['announce ada', 'withdraw ada']);
  });

  it('says who is away for as long as they are', () => {
    const { keeper, calls } = recorded();
    keeper.setState(ada, 'away');
    keeper.alive('ada');
    keeper.beat();
    keeper.setState(ada, 'online');
    keeper.setState(ada, 'away');
    keeper.left(ada);
    keeper.arrived(ada);
    expect(calls.slice(0, 3)).toEqual(['announce ada away', 'announce ada away', 'announce ada']);
    expect(calls.slice(3)).toEqual(['announce ada away', 'withdraw ada', 'announce ada']);
  });

  it('has those look who want to know, when something has changed and Redis has it', async () => {
    const { keeper, hints, errors, fail } = recorded();
    keeper.arrived(ada);
    keeper.alive('ada');
    keeper.beat();
    await waitFor(() => hints.length === 1);
    keeper.setState(ada, 'away');
    keeper.left(ada);
    await waitFor(() => hints.length === 3);
    fail();
    keeper.arrived(ada);
    await waitFor(() => errors.length === 1);
    expect(hints).toEqual(['ada_l', 'ada_l', 'ada_l']);
  });

  it('goes on without Redis, and tries again with the next sign of life', async () => {
    const { keeper, calls, errors, fail } = recorded();
    fail();
    keeper.arrived(ada);
    keeper.alive('ada');
    keeper.beat();
    await waitFor(() => errors.length === 2);
    expect(calls).toEqual(['announce ada', 'announce ada']);
  });
});
