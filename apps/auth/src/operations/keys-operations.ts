import { DataKeysRepository } from '../keys/data-keys.repository';
import { resealAll } from '../keys/reseal';
import { readArguments } from './arguments';
import { table, type Operation } from './operation';

export const keysUsage = `keys list                          the signing keys and what they are doing
keys rotate                        the waiting key signs, now or as soon as it has been published for long enough
keys revoke <kid> --reason <text>  emergency: everything that the key has signed is refused within seconds
keys rotate-data-key               a new key encrypts what is written from now on
keys reseal                        what is in the database goes under the newest data key
keys rewrap                        the data keys go under the newest master key; then an old one can be taken away`;

const list: Operation = async (args, { admin, operator, write }) => {
  readArguments(args, [], {});
  const keys = await admin.keys.list(operator);
  const time = (date: Date | null) => date?.toISOString() ?? '';
  const rows = keys.map(({ kid, state, createdAt, signsFrom }) => [
    kid,
    state,
    time(createdAt),
    time(signsFrom),
  ]);
  table([['kid', 'state', 'made', 'signs from'], ...rows]).forEach(write);
  return 0;
};

const rotate: Operation = async (args, { admin, operator, write }) => {
  readArguments(args, [], {});
  const { kid, signsFrom } = await admin.keys.rotate(operator);
  write(`${kid} signs from ${signsFrom.toISOString()} on.`);
  return 0;
};

const revoke: Operation = async (args, { admin, operator, write }) => {
  const { words, options } = readArguments(args, ['<kid>'], {
    reason: { type: 'string', default: 'not given' },
  });
  const [kid = ''] = words;
  await admin.keys.revoke(kid, { ...operator, reason: options.reason });
  write(`${kid} is revoked. What it has signed is refused everywhere within five seconds.`);
  return 0;
};

const rotateDataKey: Operation = async (args, { keys, operator, write }) => {
  readArguments(args, [], {});
  const { id } = await keys.vault.dataKeys.rotate();
  await keys.audit.recordAlone({
    action: 'data_key.rotated',
    result: 'succeeded',
    target: { key: id },
    ...operator,
  });
  write(`Data key ${id} encrypts now; running processes take it up within a minute.`);
  return 0;
};

const reseal: Operation = async (args, { database, keys, operator, write }) => {
  readArguments(args, [], {});
  const counts = await resealAll(database, keys.vault.envelope);
  await keys.audit.recordAlone({
    action: 'data_key.resealed',
    result: 'succeeded',
    details: counts,
    ...operator,
  });
  for (const [where, count] of Object.entries(counts)) write(`${where}: ${count} sealed anew`);
  return 0;
};

const rewrap: Operation = async (args, { database, keys, operator, write }) => {
  readArguments(args, [], {});
  const repository = new DataKeysRepository(database);
  let count = 0;
  for (const stored of await repository.all()) {
    await repository.rewrap(await keys.vault.dataKeys.rewrap(stored));
    count += 1;
  }
  await keys.audit.recordAlone({
    action: 'master_key.changed',
    result: 'succeeded',
    details: { count },
    ...operator,
  });
  write(`${count} data keys are wrapped by the newest master key.`);
  return 0;
};

export const keysOperations: Record<string, Operation> = {
  list,
  rotate,
  revoke,
  'rotate-data-key': rotateDataKey,
  reseal,
  rewrap,
};
