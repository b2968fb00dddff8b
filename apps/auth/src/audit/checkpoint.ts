import { createHash, sign, verify, type KeyObject } from 'node:crypto';
import { z } from 'zod';

const place = z.tuple([z.int(), z.int(), z.string().regex(/^[0-9a-f]{64}$/)]);

/**
 * What a checkpoint signs. `heads`: the last events of those chains that have grown since the checkpoint before, as
 * chain, number and hash. `starts`: where chains begin now because older events were removed, with the hash before.
 */
export const checkpointBody = z.object({
  v: z.literal(1),
  position: z.int().positive(),
  at: z.int(),
  key: z.string(),
  /** The hash of the checkpoint before, so that none can be taken out. */
  previous: z.string(),
  heads: z.array(place),
  starts: z.array(place).optional(),
});

export type CheckpointBody = z.output<typeof checkpointBody>;

export interface Checkpoint {
  position: number;
  body: string;
  signature: Buffer;
}

/** A key that signs checkpoints. */
export interface AuditKey {
  id: string;
  privateKey: KeyObject;
  publicKey: KeyObject;
}

export function signCheckpoint(
  body: CheckpointBody,
  { privateKey }: Pick<AuditKey, 'privateKey'>,
): Checkpoint {
  const text = JSON.stringify(body);
  return { position: body.position, body: text, signature: sign(null, Buffer.from(text), privateKey) };
}

export function isSigned({ body, signature }: Checkpoint, publicKey: KeyObject): boolean {
  return verify(null, Buffer.from(body), publicKey, signature);
}

/** By this a checkpoint is known outside: whoever has noted it can tell later whether it is still there. */
export function checkpointHash({ body, signature }: Checkpoint): string {
  return createHash('sha256').update(body).update(signature).digest('hex');
}

export function parseCheckpoint({ body }: Checkpoint): CheckpointBody | undefined {
  try {
    return checkpointBody.parse(JSON.parse(body));
  } catch {
    return undefined;
  }
}
