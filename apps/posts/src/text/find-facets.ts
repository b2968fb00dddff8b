/** A part of a text that means something, before anybody knows whether those whom it names exist. */
export type FoundFacet = { start: number; end: number } & (
  { type: 'link'; url: string } | { type: 'mention'; username: string } | { type: 'tag'; tag: string }
);

/**
 * From left to right, whichever comes first, so that what looks like a mention inside a link is part of the link. None
 * begins in the middle of a word. Links have a scheme: what else might be one is guesswork. They end at white space, at
 * what cannot be seen or turns the direction of text, and at quotes and brackets that no URL has.
 */
const anyFacet =
  /(?<![\p{L}\p{N}\p{M}_@#&/])(?:(?<link>https?:\/\/[^\s\p{C}<>"`{}|\\^“”«»]+)|@(?<mention>[a-zA-Z0-9_]{3,30})(?![\p{L}\p{N}\p{M}_@])|#(?<tag>(?=[\p{N}_]{0,63}\p{L})[\p{L}\p{N}\p{M}_]{1,64})(?![\p{L}\p{N}\p{M}_]))/gu;

/** What may end a sentence ends no link, nor does a bracket that was opened before it. */
const trailing = /[.,;:!?'…)\]]/;
const opened: Record<string, string> = { ')': '(', ']': '[' };

/** The parts with their ranges, in bytes of the text's UTF-8, in their order. */
export function findFacets(text: string): FoundFacet[] {
  if (!/[@#]|:\/\//.test(text)) return [];
  const facets: FoundFacet[] = [];
  const bytesTo = byteCounter(text);
  anyFacet.lastIndex = 0;
  for (let match = anyFacet.exec(text); match; match = anyFacet.exec(text)) {
    const found = meaningOf(match.groups ?? {});
    if (!found) continue;
    const end = match.index + found.length;
    anyFacet.lastIndex = end;
    facets.push({ ...found.facet, start: bytesTo(match.index), end: bytesTo(end) });
  }
  return facets;
}

type Meaning =
  { type: 'link'; url: string } | { type: 'mention'; username: string } | { type: 'tag'; tag: string };

function meaningOf({
  link,
  mention,
  tag,
}: Record<string, string | undefined>): { facet: Meaning; length: number } | undefined {
  if (mention !== undefined)
    return { facet: { type: 'mention', username: mention.toLowerCase() }, length: mention.length + 1 };
  if (tag !== undefined) return { facet: { type: 'tag', tag: normalTag(tag) }, length: tag.length + 1 };
  const written = link === undefined ? '' : withoutTrailing(link);
  const url = urlOf(written);
  return url === undefined ? undefined : { facet: { type: 'link', url }, length: written.length };
}

/** Tags that look the same are the same. */
export function normalTag(tag: string): string {
  return tag.normalize('NFC').toLowerCase();
}

function withoutTrailing(link: string): string {
  // Counted once: a link may end with thousands of brackets.
  const surplus: Record<string, number> = { ')': surplusOf(link, ')'), ']': surplusOf(link, ']') };
  let length = link.length;
  for (; length > 0 && trailing.test(link[length - 1] ?? ''); length -= 1) {
    const last = link[length - 1] ?? '';
    if (surplus[last] === undefined) continue;
    if (surplus[last] <= 0) break;
    surplus[last] -= 1;
  }
  return link.slice(0, length);
}

/** How many more of these brackets are closed than opened. */
function surplusOf(text: string, closing: string): number {
  return text.split(closing).length - text.split(opened[closing] ?? '').length;
}

/**
 * The address as a browser would go to it: its host in ASCII, so that letters that look like others show themselves. A
 * name before the host is only ever there to be taken for it.
 */
function urlOf(link: string): string | undefined {
  const url = URL.parse(link);
  if (!url || url.hostname === '' || url.username !== '' || url.password !== '') return undefined;
  return url.href;
}

/** Counts on from where it was asked last: positions are asked for in their order. */
function byteCounter(text: string): (position: number) => number {
  let at = 0;
  let bytes = 0;
  return (position) => {
    bytes += Buffer.byteLength(text.slice(at, position));
    at = position;
    return bytes;
  };
}
