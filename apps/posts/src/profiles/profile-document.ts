import { hash } from 'node:crypto';
import { entityTag } from '@rostrum/service-kit';
import { profileShape, toProfileBody, type Profile } from './profile';

const idLength = 36;
const digestLength = 22;
const goneMark = 'x'.charCodeAt(0);
const digestAt = 1 + idLength;
const bodyAt = digestAt + digestLength;

/** A profile as it is sent to everybody who may see it. */
export interface ProfileDocument {
  id: string;
  /** Suspended or deleted. */
  isGone: boolean;
  etag: string;
  body: Buffer;
}

/** A profile has no version, and its counts change without one: the tag is of what it says. */
function digestOf(body: string): string {
  return hash('sha256', body, 'base64url').slice(0, digestLength);
}

function tagOf(digest: string): string {
  return entityTag(`${profileShape}.${digest}`);
}

export function profileEtag(profile: Profile): string {
  return tagOf(digestOf(JSON.stringify(toProfileBody(profile))));
}

/** How a profile stands in the cache: a letter for whether its owner is gone, their id, a digest, the JSON as it is sent. */
export function packProfile(profile: Profile): string {
  const body = JSON.stringify(toProfileBody(profile));
  return (profile.isGone ? 'x' : '.') + profile.id + digestOf(body) + body;
}

export function unpackProfile(packed: Buffer): ProfileDocument {
  return {
    id: packed.toString('latin1', 1, digestAt),
    isGone: packed[0] === goneMark,
    etag: tagOf(packed.toString('latin1', digestAt, bodyAt)),
    body: packed.subarray(bodyAt),
  };
}
