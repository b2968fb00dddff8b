import fc from 'fast-check';
import { WaitingLine } from './waiting-line';

type Step = 'join' | 'leave' | 'serve' | 'turn away' | 'expire';

/** A plain list of names, to which the line must always come to the same. */
it('serves in the order of coming those who neither left nor waited too long', async () => {
  const steps = fc.array(fc.constantFrom<Step>('join', 'join', 'leave', 'serve', 'turn away', 'expire'), {
    maxLength: 60,
  });
  await fc.assert(
    fc.asyncProperty(steps, fc.infiniteStream(fc.nat()), async (all, choices) => {
      const line = new WaitingLine<string>();
      const outcomes: Promise<string>[] = [];
      const expected: string[] = [];
      const waiting: { place: number; leave: () => void }[] = [];
      let now = 0;
      const settle = (outcome: (place: number) => string) => {
        const first = waiting.shift();
        if (first) expected[first.place] = outcome(first.place);
        return first !== undefined;
      };
      for (const step of all) {
        now += 1;
        if (step === 'join') {
          const caller = new AbortController();
          const place = outcomes.length;
          const joined = line.join(now + 20, caller.signal);
          outcomes.push(joined.catch((error: unknown) => String(error)));
          waiting.push({ place, leave: () => caller.abort('left') });
        } else if (step === 'leave') {
          const [leaver] = waiting.splice(choices.next().value % Math.max(1, waiting.length), 1);
          leaver?.leave();
          if (leaver) expected[leaver.place] = 'left';
        } else if (step === 'serve') {
          expect(line.serve(`served at ${now}`)).toBe(settle(() => `served at ${now}`));
        } else if (step === 'turn away') {
          expect(line.turnAway('away')).toBe(settle(() => 'away'));
        } else {
          const late = waiting.filter(({ place }) => joinedAt(all, place) + 20 <= now).length;
          for (let count = 0; count < late; count += 1) settle(() => 'late');
          line.expire(now, () => 'late');
        }
        expect(line.length).toBe(waiting.length);
      }
      while (line.turnAway('closed')) settle(() => 'closed');
      expect(await Promise.all(outcomes)).toEqual(expected);
    }),
    { seed: Date.now() },
  );
});

/** The step, from 1, at which the given caller came. */
function joinedAt(steps: readonly Step[], place: number): number {
  const joins = steps.flatMap((step, index) => (step === 'join' ? [index + 1] : []));
  return joins[place] ?? 0;
}
