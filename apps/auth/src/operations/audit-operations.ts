import { createReadStream, createWriteStream, readFileSync } from 'node:fs';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { AuditKeys } from '../audit/audit-keys';
import { exportedSource, exportLines } from '../audit/audit-export';
import { AuditReader } from '../audit/audit-reader';
import { removeOldEvents } from '../audit/audit-retention';
import { verifyAudit, type AuditReport } from '../audit/audit-verifier';
import type { Anchor } from '../audit/checkpoint-trail';
import { Checkpoints } from '../audit/checkpoints';
import { databaseSource } from '../audit/database-source';
import { readArguments, readDuration, UsageError } from './arguments';
import type { Operation, OperationContext } from './operation';

export const auditUsage = `audit verify [--anchors <file>]     looks for signs of tampering; exit code 1 where there are any. Anchors are
                                   lines with "position" and "checkpoint_hash", such as the worker's log has
audit verify --file <export> --key <id>
                                   the same for a file that was exported, by the id of the key that signs
audit export [--out <file>] [--reveal]
                                   all of it as JSON lines; personal data stays sealed unless it is to be revealed
audit checkpoint                   signs how far the log has come, now
audit prune --older-than <400d>    removes old events; needs DATABASE_MIGRATION_URL, the login of the tables' owner`;

const verify: Operation = async (args, context) => {
  const text = { type: 'string' } as const;
  const { options } = readArguments(args, [], { anchors: text, file: text, key: text });
  const anchors = options.anchors === undefined ? [] : await readAnchors(options.anchors);
  if (options.file !== undefined) {
    if (options.key === undefined)
      throw new UsageError('--file takes --key <id>: whose signatures are believed');
    const source = exportedSource(readFileSync(options.file, 'utf8'), [options.key]);
    return report(await verifyAudit(source, { anchors }), context);
  }
  const { database, keys, operator } = context;
  const found = await verifyAudit(await databaseSource(database, auditKeysOf(context)), { anchors });
  const { intact, events, findingCount } = found;
  const details = { intact, events, findings: findingCount };
  await keys.audit.recordAlone({ action: 'audit.verified', result: 'succeeded', details, ...operator });
  return report(found, context);
};

function report(
  { intact, events, unproven, findings, ...rest }: AuditReport,
  { write }: OperationContext,
): number {
  const { findingCount, lastCheckpoint, checkpoints } = rest;
  write(`${events} events, ${checkpoints} checkpoints; ${unproven} events since the last checkpoint.`);
  if (lastCheckpoint) write(`Last checkpoint: ${lastCheckpoint.position} ${lastCheckpoint.hash}`);
  for (const finding of findings) write(`TAMPERED: ${JSON.stringify(finding)}`);
  if (findingCount > findings.length) write(`… and ${findingCount - findings.length} more.`);
  write(intact ? 'The log is intact.' : 'The log has been tampered with.');
  return intact ? 0 : 1;
}

/** Of lines of any log those that speak of a checkpoint. */
async function readAnchors(file: string): Promise<Anchor[]> {
  const anchors: Anchor[] = [];
  for await (const line of createInterface({ input: createReadStream(file) })) {
    const { position, checkpoint_hash: hash } = parseLine(line);
    if (typeof position === 'number' && typeof hash === 'string') anchors.push({ position, hash });
  }
  if (anchors.length === 0) throw new UsageError(`${file} has no line with "position" and "checkpoint_hash"`);
  return anchors;
}

function parseLine(line: string): Record<string, unknown> {
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    // Logs have other lines too.
    return {};
  }
}

const exportLog: Operation = async (args, context) => {
  const { options } = readArguments(args, [], {
    out: { type: 'string' },
    reveal: { type: 'boolean', default: false },
  });
  const { database, keys, operator, write } = context;
  const reader = new AuditReader({ database, ...keys.vault });
  const reveal = options.reveal
    ? async (body: Parameters<AuditReader['reveal']>[0]) => ({ ...(await reader.reveal(body)) })
    : undefined;
  const source = await databaseSource(database, auditKeysOf(context));
  const file = options.out === undefined ? undefined : createWriteStream(options.out, { mode: 0o600 });
  let count = 0;
  for await (const line of exportLines(source, reveal)) {
    count += 1;
    if (!file) write(line);
    else if (!file.write(`${line}\n`)) await once(file, 'drain');
  }
  if (file)
    await new Promise<void>((resolve, reject) =>
      file.end((error?: Error | null) => (error ? reject(error) : resolve())),
    );
  const details = { lines: count, revealed: options.reveal };
  await keys.audit.recordAlone({ action: 'audit.exported', result: 'succeeded', details, ...operator });
  return 0;
};

const checkpoint: Operation = async (args, context) => {
  readArguments(args, [], {});
  const made = await new Checkpoints(context.database, auditKeysOf(context)).make();
  context.write(
    made
      ? JSON.stringify({ position: made.position, checkpoint_hash: made.hash })
      : 'There is nothing to sign.',
  );
  return 0;
};

const prune: Operation = async (args, context) => {
  const { options } = readArguments(args, [], { 'older-than': { type: 'string' } });
  if (options['older-than'] === undefined) throw new UsageError('it takes --older-than, such as 400d');
  const before = new Date(Date.now() - readDuration(options['older-than']));
  const { owner, keys, operator, write } = context;
  if (!owner)
    throw new UsageError('it needs DATABASE_MIGRATION_URL: only the owner of the tables may remove events');
  const removed = await removeOldEvents(owner, new Checkpoints(owner, auditKeysOf(context)), before);
  const details = { removed, before: before.toISOString() };
  await keys.audit.recordAlone({ action: 'audit.pruned', result: 'succeeded', details, ...operator });
  write(`${removed} events from before ${before.toISOString()} are removed.`);
  return 0;
};

function auditKeysOf({ keys }: OperationContext): AuditKeys {
  return new AuditKeys(keys.vault.envelope);
}

export const auditOperations: Record<string, Operation> = { verify, export: exportLog, checkpoint, prune };
