import { createPublicKey } from 'node:crypto';
import { z } from 'zod';
import { columnsOf, type AuditRow } from './audit-chain';
import { keyIdOf } from './audit-keys';
import type { AuditSource } from './audit-verifier';
import { chainCount, type AuditBody } from './audit-event';
import type { Checkpoint } from './checkpoint';

/** Opens what is sealed in an event, for whoever may read it. */
export type Reveal = (body: AuditBody) => Promise<Record<string, unknown>>;

/**
 * The log as JSON lines that can be verified without the database: keys, checkpoints, then the events of each chain.
 * `body` stands as it was hashed.
 */
export async function* exportLines(source: AuditSource, reveal?: Reveal): AsyncGenerator<string> {
  for (const [id, key] of source.keys) {
    const der = key.export({ type: 'spki', format: 'der' }).toString('base64');
    yield JSON.stringify({ line: 'key', id, publicKey: der });
  }
  for await (const batch of source.checkpoints()) {
    for (const { position, body, signature } of batch)
      yield JSON.stringify({ line: 'checkpoint', position, body, signature: signature.toString('base64') });
  }
  for (let chain = 0; chain < chainCount; chain += 1) {
    for await (const batch of source.chain(chain))
      for (const row of batch) yield await eventLine(row, reveal);
  }
}

async function eventLine(row: AuditRow, reveal?: Reveal): Promise<string> {
  const { chain, seq, body } = row;
  const readable = columnsOf(body) && (JSON.parse(body) as AuditBody);
  const revealed = readable && reveal && (await reveal(readable));
  return JSON.stringify({
    line: 'event',
    chain,
    seq,
    ...(readable && { time: new Date(readable.at).toISOString() }),
    ...(revealed && { revealed }),
    previousHash: row.previousHash.toString('hex'),
    hash: row.hash.toString('hex'),
    body,
  });
}

const hex = z.string().regex(/^[0-9a-f]{64}$/);
const anyLine = z.discriminatedUnion('line', [
  z.object({ line: z.literal('key'), id: z.string(), publicKey: z.base64() }),
  z.object({ line: z.literal('checkpoint'), position: z.int(), body: z.string(), signature: z.base64() }),
  z.object({
    line: z.literal('event'),
    chain: z.int(),
    seq: z.int(),
    previousHash: hex,
    hash: hex,
    body: z.string(),
  }),
]);

/** An exported log. Only keys whose ids are given are believed: anybody can write a file that fits itself. */
export function exportedSource(text: string, trustedKeys: readonly string[]): AuditSource {
  const lines = text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => anyLine.parse(JSON.parse(line)));
  const keys = lines
    .filter((line) => line.line === 'key')
    .map(({ publicKey }) => Buffer.from(publicKey, 'base64'))
    .map((der) => [keyIdOf(der), createPublicKey({ key: der, type: 'spki', format: 'der' })] as const)
    .filter(([id]) => trustedKeys.includes(id));
  const checkpoints: Checkpoint[] = lines
    .filter((line) => line.line === 'checkpoint')
    .map(({ position, body, signature }) => ({
      position,
      body,
      signature: Buffer.from(signature, 'base64'),
    }));
  const events = lines.filter((line) => line.line === 'event').map(toRow);
  return {
    keys: new Map(keys),
    checkpoints: () => once(checkpoints),
    chain: (chain) => once(events.filter((event) => event.chain === chain)),
  };
}

function toRow(line: {
  chain: number;
  seq: number;
  body: string;
  previousHash: string;
  hash: string;
}): AuditRow {
  const { chain, seq, body } = line;
  // A file has no columns beside the body.
  const columns = columnsOf(body) ?? {
    id: '',
    at: 0,
    action: '',
    result: '',
    actorId: null,
    subjectId: null,
  };
  return {
    chain,
    seq,
    body,
    columns,
    previousHash: Buffer.from(line.previousHash, 'hex'),
    hash: Buffer.from(line.hash, 'hex'),
  };
}

async function* once<Item>(items: readonly Item[]): AsyncGenerator<readonly Item[]> {
  yield items;
}
