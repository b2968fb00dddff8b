import { MessageBudget, type MessageRate } from './message-budget';
import { upgradeErrors } from './upgrade.errors';

export interface VisitorLimitsOptions {
  /** Open sockets at most, of all people. */
  total: number;
  perUser: number;
  perAddress: number;
  /** How often an address may ask for a socket. */
  handshakes: MessageRate;
}

/** Whose socket it is, and from where. */
export interface Origin {
  userId: string;
  address: string;
}

/**
 * How many sockets a person and an address may have, and how fast an address may ask for them. Each process counts its
 * own: the limits protect a process, they work without Redis, and a fleet allows at most as many times as much as it has
 * processes.
 */
export class VisitorLimits {
  private total = 0;
  private readonly users = new Map<string, number>();
  private readonly addresses = new Map<string, number>();
  private budgets = new Map<string, MessageBudget>();
  private olderBudgets = new Map<string, MessageBudget>();
  private turnedAt = 0;

  constructor(private readonly options: VisitorLimitsOptions) {}

  /** Before anything is done for the request. `now` is in milliseconds. Throws a 429 problem. */
  knock(address: string, now: number): void {
    this.forgetOldBudgets(now);
    let budget = this.budgets.get(address);
    if (!budget) {
      budget = this.olderBudgets.get(address) ?? new MessageBudget(this.options.handshakes, now);
      this.budgets.set(address, budget);
    }
    if (!budget.take(now)) throw upgradeErrors.tooManyHandshakes();
  }

  /** Takes a place, which `leave` gives back. Throws a 429 or 503 problem where there is none. */
  enter({ userId, address }: Origin): void {
    const { total, perUser, perAddress } = this.options;
    if (this.total >= total) throw upgradeErrors.full();
    const ofUser = this.users.get(userId) ?? 0;
    if (ofUser >= perUser) throw upgradeErrors.tooManyConnections('person');
    const ofAddress = this.addresses.get(address) ?? 0;
    if (ofAddress >= perAddress) throw upgradeErrors.tooManyConnections('address');
    this.total += 1;
    this.users.set(userId, ofUser + 1);
    this.addresses.set(address, ofAddress + 1);
  }

  leave({ userId, address }: Origin): void {
    this.total -= 1;
    takeOne(this.users, userId);
    takeOne(this.addresses, address);
  }

  /** A budget that has not been asked for so long is full again, and a full one need not be remembered. */
  private forgetOldBudgets(now: number): void {
    const { perSecond, burst } = this.options.handshakes;
    if (now - this.turnedAt < (burst / perSecond) * 1000) return;
    this.turnedAt = now;
    this.olderBudgets = this.budgets;
    this.budgets = new Map();
  }
}

function takeOne(counts: Map<string, number>, key: string): void {
  const count = counts.get(key) ?? 0;
  if (count > 1) counts.set(key, count - 1);
  else counts.delete(key);
}
