/** An identity that signs somebody in. Who it is at the provider is kept as a keyed hash alone. */
export interface LinkedIdentity {
  provider: string;
  linkedAt: Date;
}

/** What its owner sees of it. */
export function toIdentityBody({ provider, linkedAt }: LinkedIdentity) {
  return { provider, linkedAt: linkedAt.toISOString() };
}
