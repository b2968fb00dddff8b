/** Who loads something that nobody else is to load meanwhile. */
export interface LeaseHolder {
  renew(): void;
}

/** Keeps the leases of all loads of a cache that take long: with one clock, since most are over before it strikes. */
export class LeaseRenewal {
  private readonly holders = new Set<LeaseHolder>();
  private clock: NodeJS.Timeout | undefined;

  constructor(readonly leaseMs: number) {}

  begin(holder: LeaseHolder): void {
    this.holders.add(holder);
    this.clock ??= setInterval(this.renewAll, this.leaseMs / 3).unref();
  }

  end(holder: LeaseHolder): void {
    this.holders.delete(holder);
  }

  private readonly renewAll = (): void => {
    for (const holder of this.holders) holder.renew();
    if (this.holders.size > 0) return;
    clearInterval(this.clock);
    this.clock = undefined;
  };
}
