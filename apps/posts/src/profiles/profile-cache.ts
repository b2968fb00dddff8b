import { cachePolicies, type Cache, type Redis } from '@rostrum/data-access';
import { openCache, type Kit } from '@rostrum/service-kit';
import { profileShape } from './profile';

/**
 * Profiles by their names. That there is none is not remembered: one appears with the first thing that its owner does,
 * and not all that they may do should have to tell a cache.
 */
export function openProfileCache(kit: Kit, redis: Redis): Cache {
  const policy = { ...cachePolicies.profile, absentSeconds: 0 };
  return openCache(kit, redis, { name: 'profile', policy, version: profileShape });
}
