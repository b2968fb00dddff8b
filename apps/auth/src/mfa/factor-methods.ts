import type { secondFactorMethods } from '@rostrum/contracts';
import type { FactorCounts } from './factors.repository';

type Method = (typeof secondFactorMethods)[number];

/** What somebody may answer with; nothing where they have no factor that recovery codes would stand in for. */
export function methodsOf({ totp, recoveryCodes }: FactorCounts): Method[] {
  if (!totp) return [];
  return ['totp', ...(recoveryCodes > 0 ? (['recovery-code'] as const) : [])];
}
