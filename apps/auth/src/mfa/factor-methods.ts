import type { secondFactorMethods } from '@rostrum/contracts';
import type { FactorCounts } from './factors.repository';

type Method = (typeof secondFactorMethods)[number];

/** What somebody may answer with; nothing where they have no factor that recovery codes would stand in for. */
export function methodsOf({ totp, passkeys, recoveryCodes }: FactorCounts): Method[] {
  const factors: Method[] = [];
  if (totp) factors.push('totp');
  if (passkeys > 0) factors.push('passkey');
  if (factors.length > 0 && recoveryCodes > 0) factors.push('recovery-code');
  return factors;
}

/** What somebody sees of their factors. */
export function toFactorsBody(counts: FactorCounts) {
  return { methods: methodsOf(counts), recoveryCodesLeft: counts.recoveryCodes };
}
