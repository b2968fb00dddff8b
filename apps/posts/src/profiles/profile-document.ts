import { toProfileBody, type Profile } from './profile';

const idLength = 36;

/** How a profile stands in the cache: a letter for whether its owner is gone, their id, the JSON as it is sent. */
export function packProfile(profile: Profile): string {
  return (profile.isGone ? 'x' : '.') + profile.id + JSON.stringify(toProfileBody(profile));
}

export function unpackProfile(packed: Buffer): { id: string; isGone: boolean; body: Buffer } {
  return {
    id: packed.toString('latin1', 1, 1 + idLength),
    isGone: packed[0] === 'x'.charCodeAt(0),
    body: packed.subarray(1 + idLength),
  };
}
