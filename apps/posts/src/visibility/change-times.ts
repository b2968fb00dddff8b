/** Where something stands in the table of when things have changed. */
export type ChangePlace = number;

/** What can change of a person that others make things of, besides what is said by their id alone. */
const kinds = { home: 'h', arrivals: 'a' } as const;
const marks = { [kinds.home]: 0x68c9, [kinds.arrivals]: 0x61f3 } as const;

/** The subject of changes of whom somebody follows, and of what they themselves have put into their own feed. */
export const homeOf = (userId: string): string => kinds.home + userId;
/** The subject of changes of what has come into others' feeds from somebody. */
export const arrivalsOf = (userId: string): string => kinds.arrivals + userId;

const tailDigits = 8;
const tableBits = 20;
/** Near the golden ratio of 2 ** 32, by which what is multiplied is spread evenly over the highest bits. */
const spread = 0x9e3779b1;

/** The same for somebody of whose id only the last eight digits are known, as a number. */
export function placeOfArrivals(tail: number): ChangePlace {
  return placeOf(tail, marks[kinds.arrivals]);
}

export function placeOfSubject(subject: string): ChangePlace {
  const [kind] = subject;
  const mark = kind === kinds.home || kind === kinds.arrivals ? marks[kind] : 0;
  return placeOf(Number.parseInt(subject.slice(-tailDigits), 16), mark);
}

function placeOf(tail: number, mark: number): ChangePlace {
  return Math.imul(tail ^ mark, spread) >>> (32 - tableBits);
}

/**
 * When things have changed last. A table without a list of what is in it: something may count as changed because
 * another thing has that stands in the same place, and is then looked up once more. So whether something holds that is
 * made of hundreds of things is found out in a microsecond or two.
 */
export class ChangeTimes {
  private readonly times = new Float64Array(2 ** tableBits);

  note(place: ChangePlace, time: number): void {
    this.times[place] = time;
  }

  hasChanged(since: number, place: ChangePlace): boolean {
    return (this.times[place] ?? 0) > since;
  }
}
