import type { Kit } from '@rostrum/service-kit';

export class DigestEvents {
  private readonly requested;

  constructor({ metrics }: Pick<Kit, 'metrics'>) {
    this.requested = metrics.counter(
      'digests_requested_total',
      'Mails that sum up what somebody has not read',
    );
    this.requested.inc(0);
  }

  digestRequested(): void {
    this.requested.inc();
  }
}
