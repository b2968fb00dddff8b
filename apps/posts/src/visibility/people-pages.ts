import type { PeopleReader } from './people-reader';
import type { HowToShow } from './post-reader';
import { readPage, type Page, type PageRequest, type Placed } from './read-page';

/** A place in a list of people, and who stands there. */
export interface PersonEntry extends Placed {
  id: string;
}

/** Pages of people, whatever list they are of: ids from an index, then who of them is there for the viewer. */
export class PeoplePages {
  constructor(private readonly people: Pick<PeopleReader, 'visible'>) {}

  page<E extends PersonEntry>(viewerId: string, request: PageRequest<E>, how: HowToShow): Promise<Page<E>> {
    return readPage(request, async (entries) => {
      const ids = entries.map(({ id }) => id);
      const visible = await this.people.visible(viewerId, ids, how);
      return new Set(entries.filter(({ id }) => visible.has(id)));
    });
  }
}
