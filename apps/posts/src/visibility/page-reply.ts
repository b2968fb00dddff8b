const endOfItems = Buffer.from(']}');
const begin = Buffer.from('{"items":[');
const comma = Buffer.from(',');

/** The JSON of a list without pages. */
export function joinItems(items: readonly Buffer[]): Buffer {
  return join(items, endOfItems);
}

/** The JSON of a page, from items that are JSON already. */
export function joinPage(items: readonly Buffer[], nextCursor: string | null): Buffer {
  const cursor = nextCursor === null ? 'null' : `"${nextCursor}"`;
  return join(items, Buffer.from(`],"nextCursor":${cursor}}`));
}

function join(items: readonly Buffer[], end: Buffer): Buffer {
  const parts: Buffer[] = [begin];
  for (const [index, item] of items.entries()) {
    if (index > 0) parts.push(comma);
    parts.push(item);
  }
  parts.push(end);
  return Buffer.concat(parts);
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
export function pageReply({ items, ...link }: Link & { items: readonly Buffer[] }): {
  status: 200;
  raw: Buffer;
  headers: readonly string[];
} {
  return { status: 200, raw: joinPage(items, link.nextCursor), headers: nextLink(link) };
}
