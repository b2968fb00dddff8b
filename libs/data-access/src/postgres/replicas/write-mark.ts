/**
 * A place in the primary's write-ahead log (an LSN, as PostgreSQL writes it) that a write lies before: who has
 * everything up to there has that write. Opaque to all but this folder.
 */
export type WriteMark = string;

/** What a reader must be able to see: all that was written before a mark, or, where that is not known, all there is. */
export type ReadPin = WriteMark | 'primary';

const pageBytes = 8_192n;
const pageHeadBytes = 24n;

/** As a number of bytes; undefined for what is no mark, which may come from anywhere. */
export function positionOf(mark: string): bigint | undefined {
  const parts = /^([0-9A-F]{1,8})\/([0-9A-F]{1,8})$/i.exec(mark);
  if (!parts) return undefined;
  const position = (BigInt(`0x${parts[1]}`) << 32n) + BigInt(`0x${parts[2]}`);
  // Where the next record will start may be behind a page's head, and what has been replayed ends before it.
  return position % pageBytes === pageHeadBytes ? position - pageHeadBytes : position;
}
