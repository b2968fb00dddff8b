/** The made-up world that is measured: who is in it, who follows whom, and what was written when. */
export interface Shape {
  people: number;
  posts: number;
  /** How many somebody follows, at most; half of it is common. */
  follows: number;
}

export const shapes: Record<string, Shape> = {
  large: { people: 100_000, posts: 1_000_000, follows: 40 },
  // Many who follow the one, and little else: for a post on its way to them.
  wide: { people: 100_000, posts: 20_000, follows: 4 },
  small: { people: 2_000, posts: 20_000, follows: 40 },
};

/** The first person is followed by all others. */
export const celebrity = 1;

/** Ids are made of numbers, so that whoever knows the shape knows them. */
export function personId(n: number): string {
  return `0190b5a0-0000-7000-8000-${n.toString(16).padStart(12, '0')}`;
}

export const username = (n: number): string => `person_${n}`;

/** Posts lie a second apart, the last of them an hour ago when the set was made. */
export function postId(n: number, firstAt: number): string {
  const time = (firstAt + n * 1000).toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${n.toString(16).padStart(12, '0')}`;
}
