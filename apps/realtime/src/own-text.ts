/**
 * The same text by itself: to the engine one that was cut out of another keeps all of that one, and one that was put
 * together keeps each of its parts. For what outlives the text that it is of.
 */
export function ownText(text: string): string {
  return Buffer.from(text).toString();
}
