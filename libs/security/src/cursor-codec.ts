import { createHmac, timingSafeEqual } from 'node:crypto';
import { problems } from '@rostrum/errors';

export interface CursorCodec<Position> {
  encode(position: Position): string;
  /** The position, or a 400 problem where the cursor is not one that we gave out for this list. */
  decode(cursor: string): Position;
}

const macBytes = 16;

/**
 * Cursors that only we can make: a position in a list, signed, and bound to the list by its name, so that a cursor
 * of one list (or one viewer) is refused by another.
 */
export function createCursorCodec<Position>(secret: string, list: string): CursorCodec<Position> {
  const sign = (position: Buffer) =>
    createHmac('sha256', secret).update(list).update('\n').update(position).digest().subarray(0, macBytes);
  return {
    encode(position) {
      const bytes = Buffer.from(JSON.stringify(position));
      return Buffer.concat([sign(bytes), bytes]).toString('base64url');
    },
    decode(cursor) {
      const bytes = Buffer.from(cursor, 'base64url');
      const position = bytes.subarray(macBytes);
      const genuine = bytes.length > macBytes && timingSafeEqual(bytes.subarray(0, macBytes), sign(position));
      if (!genuine) throw problems.badRequest('INVALID_CURSOR', 'The cursor is not one of this list');
      return JSON.parse(position.toString()) as Position;
    },
  };
}
