const begin = Buffer.from('{"items":[');
const comma = Buffer.from(',');

/** The JSON of a page, from items that are JSON already. */
export function joinPage(items: readonly Buffer[], nextCursor: string | null): Buffer {
  const parts: Buffer[] = [begin];
  for (const [index, item] of items.entries()) {
    if (index > 0) parts.push(comma);
    parts.push(item);
  }
  parts.push(Buffer.from(nextCursor === null ? '],"nextCursor":null}' : `],"nextCursor":"${nextCursor}"}`));
  return Buffer.concat(parts);
}

interface PageToSend {
  /** Where the list is, with the parameters that all its pages share. */
  path: string;
  limit: number;
  items: readonly Buffer[];
  nextCursor: string | null;
}

/** A page as it is answered, with a link to the next one. */
export function pageReply({ path, limit, items, nextCursor }: PageToSend): {
  status: 200;
  raw: Buffer;
  headers: readonly string[];
} {
  const raw = joinPage(items, nextCursor);
  if (nextCursor === null) return { status: 200, raw, headers: [] };
  const next = `${path}${path.includes('?') ? '&' : '?'}cursor=${nextCursor}&limit=${limit}`;
  return { status: 200, raw, headers: ['Link', `<${next}>; rel="next"`] };
}
