import { assert, property, array, constantFrom, record } from 'fast-check';
import { SmallSet } from './small-set';

const members = Array.from({ length: 4 }, (_, name) => ({ name }));
const step = record({ member: constantFrom(...members), what: constantFrom('add', 'delete', 'has') });

describe('a small set', () => {
  it('is a set, whatever is done with it', () => {
    assert(
      property(array(step, { maxLength: 60 }), (steps) => {
        const [small, real] = [new SmallSet<{ name: number }>(), new Set<{ name: number }>()];
        for (const { member, what } of steps) {
          if (what === 'add') {
            small.add(member);
            real.add(member);
          } else {
            expect(small[what as 'delete' | 'has'](member)).toBe(real[what as 'delete' | 'has'](member));
          }
          expect(small.size).toBe(real.size);
          expect(new Set(small)).toEqual(real);
        }
      }),
    );
  });

  it('may lose members while it is gone through', () => {
    const small = new SmallSet<{ name: number }>();
    for (const member of members) small.add(member);
    const seen = [];
    for (const member of small) {
      seen.push(member);
      small.delete(member);
    }
    expect(seen).toEqual(members);
    expect(small.size).toBe(0);
  });
});
