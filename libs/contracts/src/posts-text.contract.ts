import { z } from 'zod';

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

/**
 * Counts what a reader sees as characters, where there can be too many of them at all: none takes less than one of
 * JavaScript's. 16 of these for each is the bound that keeps counting cheap.
 */
const withinLength = (text: string, longest: number) =>
  text.length <= longest || (text.length <= longest * 16 && [...graphemes.segment(text)].length <= longest);

/**
 * Postgres cannot store a null character, and the other controls have no place in a text but line break and tab; nor
 * have the deprecated format characters and the marks of annotations, which nobody sees.
 */
export const hasNoControls = (text: string) =>
  !/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u206a-\u206f\ufff9-\ufffb]/.test(text);

const embeddings = /[\u202a\u202b]/;
const isolates = /[\u2066-\u2068]/;
const anyDirection = /[\u202a-\u202e\u2066-\u2069]/;

/**
 * Texts run in both directions, and marks, embeddings and isolates are how people say which. Overrides are refused: all
 * they do is to show letters in another order than they are in. What is opened must be closed in its own line, so that
 * it does not turn around what a client shows beside the text.
 */
export function keepsDirection(text: string): boolean {
  if (!anyDirection.test(text)) return true;
  return text.split(/[\n\r\u2028\u2029]/).every(isBalanced);
}

function isBalanced(line: string): boolean {
  const open: string[] = [];
  for (const character of line) {
    if (embeddings.test(character)) open.push('\u202c');
    else if (isolates.test(character)) open.push('\u2069');
    else if (/[\u202d\u202e]/.test(character)) return false;
    else if (/[\u202c\u2069]/.test(character) && open.pop() !== character) return false;
  }
  return open.length === 0;
}

/** What people write, with so many characters at most. */
export const writtenText = (longest: number, whenEmpty = 'must not be empty') =>
  z
    .string()
    .refine((text) => text.trim() !== '', whenEmpty)
    .refine((text) => text.isWellFormed(), 'must be well-formed Unicode')
    .refine(hasNoControls, 'must not have control characters')
    .refine(
      keepsDirection,
      'must close what changes the direction of text in its line, and must not override it',
    )
    .refine((text) => withinLength(text, longest), `must have at most ${longest} characters`);

/** It is kept as it was written, and escaped for its place wherever it is shown. */
export const postText = writtenText(500);
