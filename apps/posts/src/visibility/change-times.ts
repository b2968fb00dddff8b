/** Where something stands in the table of when things have changed. */
export type ChangePlace = number;

/** What can change besides what an id alone says: the letters that such subjects begin with, and no id does. */
const kinds = { home: 'h', arrivals: 'w', pulledAuthors: 'p' } as const;
/** So that what has the same id does not stand in the same place. */
const marks: ReadonlyMap<string | undefined, number> = new Map([
  [kinds.home, 0x68c9],
  [kinds.arrivals, 0x61f3],
  [kinds.pulledAuthors, 0x2d5b],
]);
const arrivalsMark = marks.get(kinds.arrivals) ?? 0;

/** The subject of changes of whom somebody follows, and of what they themselves have put into their own feed. */
export const homeOf = (userId: string): string => kinds.home + userId;
/** The subject of changes of what has come into others' feeds from somebody. */
export const arrivalsOf = (userId: string): string => kinds.arrivals + userId;
/** The subject of whose posts are brought to nobody. */
export const pulledAuthors = `${kinds.pulledAuthors}00000000`;

const tailDigits = 8;
const tableBits = 20;
/** Near the golden ratio of 2 ** 32, by which what is multiplied is spread evenly over the highest bits. */
const spread = 0x9e3779b1;

/** The same for somebody of whose id only the last eight digits are known, as a number. */
export function placeOfArrivals(tail: number): ChangePlace {
  return placeOf(tail, arrivalsMark);
}

export function placeOfSubject(subject: string): ChangePlace {
  return placeOf(Number.parseInt(subject.slice(-tailDigits), 16), marks.get(subject[0]) ?? 0);
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
