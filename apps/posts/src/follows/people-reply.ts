import { nextLink } from '../visibility/page-reply';
import type { PeopleList } from './people-lists.service';

/** A page of people as it is answered, with a link to the next one. */
export function peopleReply(path: string, limit: number, list: PeopleList) {
  const { nextCursor } = list;
  return { status: 200 as const, body: list, headers: nextLink({ path, limit, nextCursor }) };
}
