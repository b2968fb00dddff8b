/** The JSON of a list without pages, from items that are JSON already. */
export function joinItems(items: readonly string[]): string {
  return `{"items":[${items.join(',')}]}`;
}

/** The JSON of a page, from items that are JSON already. */
export function joinPage(items: readonly string[], nextCursor: string | null): string {
  const cursor = nextCursor === null ? 'null' : `"${nextCursor}"`;
  return `{"items":[${items.join(',')}],"nextCursor":${cursor}}`;
}

interface Link {
  /** Where the list is, with the parameters that all its pages share. */
  path: string;
  limit: number;
  nextCursor: string | null;
}

/** The header that says where the next page is, if there is one. */
export function nextLink({ path, limit, nextCursor }: Link): readonly string[] {
  if (nextCursor === null) return [];
  const next = `${path}${path.includes('?') ? '&' : '?'}cursor=${nextCursor}&limit=${limit}`;
  return ['Link', `<${next}>; rel="next"`];
}

/** A page as it is answered, with a link to the next one. */
export function pageReply({ items, ...link }: Link & { items: readonly string[] }): {
  status: 200;
  raw: string;
  headers: readonly string[];
} {
  return { status: 200, raw: joinPage(items, link.nextCursor), headers: nextLink(link) };
}
