import { decidePerson } from './decide';
import type { People } from './people';
import type { HowToShow } from './post-reader';
import type { ViewerRelations } from './viewer-relations';

/** The only way from ids of people to those who are there for a viewer. */
export class PeopleReader {
  constructor(
    private readonly people: Pick<People, 'stateOf'>,
    private readonly relations: Pick<ViewerRelations, 'of' | 'with' | 'follows'>,
  ) {}

  /** Those of them whom the viewer may see in this place. */
  async visible(
    viewerId: string,
    userIds: readonly string[],
    { place = 'direct', signal }: HowToShow = {},
  ): Promise<Set<string>> {
    const [relations, states] = await Promise.all([
      this.relations.of(viewerId, signal),
      Promise.all(userIds.map((userId) => this.people.stateOf(userId, signal))),
    ]);
    const viewer = { id: viewerId, relations };
    const seen = await Promise.all(
      userIds.map(async (userId, index) => {
        const { isGone = true } = states[index] ?? {};
        const relation = await this.relations.with(viewer, userId, signal);
        return decidePerson({ isGone }, { isAuthor: userId === viewerId, ...relation }, place) === 'shown';
      }),
    );
    return new Set(userIds.filter((_, index) => seen[index]));
  }

  /** Whether there can be posts of theirs for the viewer, but for those that name the viewer. */
  async seesPostsOf(viewerId: string, authorId: string, { signal }: HowToShow = {}): Promise<boolean> {
    if (viewerId === authorId) return true;
    const { isPrivate } = await this.people.stateOf(authorId, signal);
    return !isPrivate || this.relations.follows(viewerId, authorId, signal);
  }

  async isVisible(viewerId: string, userId: string, how?: HowToShow): Promise<boolean> {
    return (await this.visible(viewerId, [userId], how)).has(userId);
  }
}
