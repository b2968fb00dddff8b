/** Words that stand side by side, in a text or in none that is found. */
export interface SearchTerm {
  text: string;
  excluded: boolean;
}

/** Each alternative is found by itself; all terms of it hold. */
export type SearchQuery = readonly (readonly SearchTerm[])[];

/** A quote that is never closed reaches to the end. What is in no quotes ends with white space. */
const anyTerm = /(?<minus>-?)"(?<quoted>[^"]*)"?|(?<word>\S+)/gu;

/** What people type, as search fields have taught them. There is no text that is wrong: what means nothing is left out. */
export function parseSearch(text: string): SearchQuery {
  const alternatives: SearchTerm[][] = [[]];
  for (const { groups = {} } of withoutControls(text).matchAll(anyTerm)) {
    const { minus, quoted, word = '' } = groups;
    if (quoted !== undefined) alternatives.at(-1)?.push({ text: quoted, excluded: minus === '-' });
    else if (/^or$/i.test(word)) alternatives.push([]);
    else {
      const excluded = word.startsWith('-');
      alternatives.at(-1)?.push({ text: excluded ? word.slice(1) : word, excluded });
    }
  }
  return alternatives.filter((terms) => terms.some(({ excluded }) => !excluded));
}

/** PostgreSQL takes no null character and no half of a character, and nobody means any of these. */
export function withoutControls(text: string): string {
  return text.toWellFormed().replace(/\p{Cc}/gu, ' ');
}
