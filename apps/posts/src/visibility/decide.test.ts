import { asksForFollow, decide, decidePerson, type PersonState, type Place, type Relation } from './decide';

const visibilities = ['public', 'followers', 'mentioned'] as const;
const listsWithoutMuted: Place[] = ['home', 'explore', 'tag', 'search', 'notifications'];
const otherPlaces: Place[] = ['direct', 'thread', 'profile', 'collection'];
const places: Place[] = [...listsWithoutMuted, ...otherPlaces, 'moderation'];
const bools = [false, true];

const known: PersonState = { isPrivate: false, isGone: false };
const stranger: Relation = {
  isAuthor: false,
  blocked: false,
  follows: false,
  mentioned: false,
  muted: false,
};
const plain = { visibility: 'public', hidden: false, deleted: false } as const;

const judge = (
  post: Partial<Parameters<typeof decide>[0]>,
  author: Partial<PersonState> = {},
  relation: Partial<Relation> = {},
  place: Place = 'direct',
) =>
  decide(
    { ...plain, ...post },
    { author: { ...known, ...author }, relation: { ...stranger, ...relation } },
    place,
  );

interface Case {
  post: Parameters<typeof decide>[0];
  author: PersonState;
  relation: Relation;
  place: Place;
}

/** Everything that can be the case. */
function* allCases(): Generator<Case> {
  const flags = 9;
  for (const place of places)
    for (const visibility of visibilities)
      for (let bits = 0; bits < 2 ** flags; bits += 1) {
        const [hidden, deleted, isPrivate, isGone, isAuthor, blocked, follows, mentioned, muted] = Array.from(
          { length: flags },
          (_, bit) => (bits & (1 << bit)) !== 0,
        ) as [boolean, boolean, boolean, boolean, boolean, boolean, boolean, boolean, boolean];
        yield {
          post: { visibility, hidden, deleted },
          author: { isPrivate, isGone },
          relation: { isAuthor, blocked, follows, mentioned, muted },
          place,
        };
      }
}

/** The cases of which something is true, with what is decided in them. */
const verdictsWhere = (holds: (each: Case) => boolean) =>
  new Set(
    [...allCases()]
      .filter(holds)
      .map(({ post, author, relation, place }) => decide(post, { author, relation }, place)),
  );

describe('in every case', () => {
  const outside = ({ place }: Case) => place !== 'moderation';

  it('what is hidden is for moderation alone', () => {
    expect(verdictsWhere((each) => outside(each) && each.post.hidden)).toEqual(new Set(['absent']));
  });

  it('moderation sees whatever there is', () => {
    expect(verdictsWhere(({ place, post }) => place === 'moderation' && !post.deleted)).toEqual(
      new Set(['shown']),
    );
  });

  it('a block is stronger than all else, but not for oneself', () => {
    const blocked = (each: Case) => outside(each) && each.relation.blocked && !each.relation.isAuthor;
    expect(verdictsWhere(blocked)).toEqual(new Set(['absent']));
  });

  it('nothing is seen of who is gone', () => {
    const gone = (each: Case) => outside(each) && each.author.isGone && !each.relation.isAuthor;
    expect(verdictsWhere(gone)).toEqual(new Set(['absent']));
  });

  it('one’s own posts are there, whatever else is the case', () => {
    const own = (each: Case) => each.relation.isAuthor && !each.post.hidden;
    expect(verdictsWhere((each) => own(each) && !each.post.deleted)).toEqual(new Set(['shown']));
    expect(verdictsWhere((each) => own(each) && each.post.deleted)).toEqual(new Set(['tombstone']));
  });

  it('what has been deleted is never shown, and only deletion leaves a tombstone', () => {
    expect(verdictsWhere(({ post }) => post.deleted)).not.toContain('shown');
    expect(verdictsWhere(({ post }) => !post.deleted)).not.toContain('tombstone');
  });

  it('deletion takes nothing away from, and gives nothing to, who might not see the post', () => {
    for (const { post, author, relation, place } of allCases()) {
      const alive = decide({ ...post, deleted: false }, { author, relation }, place);
      const dead = decide({ ...post, deleted: true }, { author, relation }, place);
      expect(dead).toBe(alive === 'shown' ? 'tombstone' : alive);
    }
  });

  it('a follow matters only where it is asked for', () => {
    for (const { post, author, relation, place } of allCases()) {
      if (asksForFollow(post, author)) continue;
      const verdict = (follows: boolean) =>
        decide(post, { author, relation: { ...relation, follows } }, place);
      expect(verdict(true)).toBe(verdict(false));
    }
  });

  it('a mute takes from some lists what would be shown, and changes nothing else', () => {
    for (const { post, author, relation, place } of allCases()) {
      const loud = decide(post, { author, relation: { ...relation, muted: false } }, place);
      const quiet = decide(post, { author, relation: { ...relation, muted: true } }, place);
      const leftOut = listsWithoutMuted.includes(place) && !relation.isAuthor && loud !== 'absent';
      expect(quiet).toBe(leftOut ? 'muted' : loud);
    }
  });
});

describe('who a post is for', () => {
  it.each([
    ['public', 'open', 'a stranger', {}, 'shown'],
    ['public', 'private', 'a stranger', {}, 'absent'],
    ['public', 'private', 'a follower', { follows: true }, 'shown'],
    ['public', 'private', 'somebody mentioned', { mentioned: true }, 'absent'],
    ['followers', 'open', 'a stranger', {}, 'absent'],
    ['followers', 'open', 'a follower', { follows: true }, 'shown'],
    ['followers', 'open', 'somebody mentioned', { mentioned: true }, 'absent'],
    ['followers', 'private', 'a follower', { follows: true }, 'shown'],
    ['mentioned', 'open', 'a stranger', {}, 'absent'],
    ['mentioned', 'open', 'a follower', { follows: true }, 'absent'],
    ['mentioned', 'open', 'somebody mentioned', { mentioned: true }, 'shown'],
    ['mentioned', 'private', 'somebody mentioned', { mentioned: true }, 'shown'],
    ['mentioned', 'private', 'a follower', { follows: true }, 'absent'],
  ] as const)('%s, from an %s account, to %s', (visibility, account, _who, relation, expected) => {
    expect(judge({ visibility }, { isPrivate: account === 'private' }, relation)).toBe(expected);
  });
});

describe('a person', () => {
  it('is there for all but those who have blocked or are blocked, until they are gone', () => {
    for (const isGone of bools)
      for (const blocked of bools)
        for (const muted of bools)
          for (const place of places) {
            const of = (isAuthor: boolean) => decidePerson({ isGone }, { isAuthor, blocked, muted }, place);
            expect(of(true)).toBe('shown');
            const there = place === 'moderation' || !(isGone || blocked);
            const quiet = muted && listsWithoutMuted.includes(place) ? 'muted' : 'shown';
            expect(of(false)).toBe(there ? quiet : 'absent');
          }
  });
});
