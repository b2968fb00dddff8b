import type { Config } from '@rostrum/config';
import type { Database, Redis } from '@rostrum/data-access';
import { createTokenSigner, createTokenVerifier, RevocationList } from '@rostrum/security';
import {
  RepeatedWork,
  type BackgroundWork,
  type Dependency,
  type Kit,
  type RouteBinder,
} from '@rostrum/service-kit';
import { AuditLog } from './audit/audit-log';
import { DataKeysRepository } from './keys/data-keys.repository';
import { KeyMaker } from './keys/key-maker';
import { KeyRotation } from './keys/key-rotation';
import type { keySettings } from './keys/key-settings';
import { openKeyVault, type KeyVaultKit } from './keys/key-vault';
import { keysRoutes } from './keys/keys.routes';
import { SigningKeys } from './keys/signing-keys';
import { SigningKeysRepository } from './keys/signing-keys.repository';
import { RevocationBroadcast } from './revocations/revocation-broadcast';
import { RevocationLog } from './revocations/revocation-log';
import { Revocations } from './revocations/revocations';
import { RevocationsRepository } from './revocations/revocations.repository';
import { revocationsRoutes } from './revocations/revocations.routes';

type KeysConfig = Config<typeof keySettings>;

const dayMs = 86_400_000;
const broadcastEveryMs = 500;
const loadEveryMs = 2_000;
const keepUpEveryMs = 60_000;

/** Where keys are kept, what is noted about them, and how they change: for every process and command. */
export function composeKeyCare(
  kit: KeyVaultKit,
  config: KeysConfig,
  { database, list, onRevoked }: { database: Database; list: RevocationList; onRevoked: () => void },
) {
  const vault = openKeyVault(kit, config, database);
  const audit = new AuditLog({ database, ...vault });
  const revocations = new Revocations({ list, onRevoked, accessTtlSeconds: config.jwtAccessTtl });
  const times = { maxAgeMs: config.jwksMaxAge * 1000, tokenMs: config.jwtAccessTtl * 1000 };
  const maker = new KeyMaker(vault.envelope, config.jwtKeyBits);
  const rotation = new KeyRotation(
    { database, maker, revocations, audit },
    { times, rotationMs: config.jwtKeyRotationDays * dayMs, importPem: config.jwtSigningKey },
  );
  return { vault, audit, revocations, rotation, times };
}

export type KeyCare = ReturnType<typeof composeKeyCare>;

/** What the process that answers requests does with keys: signs, verifies, publishes, and tells what is revoked. */
export function composeKeys(
  kit: Kit,
  config: KeysConfig & { jwtIssuer: string; jwtAudience: string },
  { database, redis }: { database: Database; redis: Redis },
) {
  const list = new RevocationList();
  const log = new RevocationLog(list);
  const care = composeKeyCare(kit, config, { database, list, onRevoked: () => broadcast.tell() });
  const keys = new SigningKeys({
    repository: new SigningKeysRepository(database),
    envelope: care.vault.envelope,
    times: care.times,
  });
  const keysVersion = () => keys.version;
  const repository = new RevocationsRepository(database);
  const broadcast = new RevocationBroadcast({ repository, redis, list, log, keysVersion });
  const issuer = { issuer: config.jwtIssuer, audience: config.jwtAudience };
  return {
    ...care,
    list,
    signingKeys: keys,
    signer: createTokenSigner({
      ...issuer,
      key: () => keys.current(),
      ttlSeconds: config.jwtAccessTtl,
      firstGoodSecond: (userId) => list.firstGoodSecond(userId),
    }),
    tokens: createTokenVerifier({ ...issuer, keys: keys.find, revocations: list }),
    work: keyWork(kit, { care, keys, broadcast, list }),
    dependency: {
      name: 'signing keys',
      criticality: 'critical',
      check: () => keys.check(),
    } satisfies Dependency,
    routes: (binder: RouteBinder) => {
      keysRoutes(binder, { keys, maxAgeSeconds: config.jwksMaxAge });
      revocationsRoutes(binder, { log, broadcast, keysVersion });
    },
  };
}

interface KeyWorkParts {
  care: KeyCare;
  keys: SigningKeys;
  broadcast: RevocationBroadcast;
  list: RevocationList;
}

function keyWork({ logger }: Kit, { care, keys, broadcast, list }: KeyWorkParts): BackgroundWork[] {
  const rounds = (name: string, everyMs: number, round: () => Promise<void>) =>
    new RepeatedWork({
      name,
      everyMs,
      round,
      onError: (error) => logger.warn(`The ${name} could not be looked after`, { error }),
    });
  const signingKeys = rounds('signing keys', loadEveryMs, async () => {
    if (keys.version === '') await care.rotation.ensure({ kind: 'system', name: 'auth' });
    await keys.load();
  });
  list.onAdded((added) => {
    if (added.some(({ kind }) => kind === 'key')) void signingKeys.runNow();
  });
  return [signingKeys, rounds('revocations', broadcastEveryMs, () => broadcast.learnAndTell())];
}

/** What the worker does about keys. */
export function composeKeyUpkeep(
  { logger }: Pick<Kit, 'logger'>,
  config: KeysConfig,
  { database, care }: { database: Database; care: Pick<KeyCare, 'rotation' | 'vault'> },
): BackgroundWork {
  const dataKeys = new DataKeysRepository(database);
  const longestMs = config.dataKeyRotationDays * dayMs;
  return new RepeatedWork({
    name: 'key rotation',
    everyMs: keepUpEveryMs,
    round: async () => {
      await care.rotation.keepUp({ kind: 'system', name: 'auth-worker' });
      const ageMs = await dataKeys.newestAgeMs();
      if (longestMs > 0 && ageMs !== undefined && ageMs > longestMs) await care.vault.dataKeys.rotate();
    },
    onError: (error) => logger.warn('The keys could not be looked after', { error }),
  });
}
