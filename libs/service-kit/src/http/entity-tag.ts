/** The strong ETag of a version. A hash of the body would cost more than all the rest of a cached answer. */
export function entityTag(version: number | string): string {
  return `"${version}"`;
}

/** Whether the client's `If-None-Match` names what it would be sent: then it is told 304 in place of a body. */
export function isUnchanged(ifNoneMatch: string | undefined, tag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  if (ifNoneMatch === tag || ifNoneMatch.trim() === '*') return true;
  // RFC 9110 compares weakly here: a proxy that compresses makes a strong tag weak.
  return ifNoneMatch.split(',').some((candidate) => candidate.trim().replace(/^W\//, '') === tag);
}
