import { crc32 } from 'node:zlib';

/**
 * How many partitions a stream has unless told otherwise: that many members of a group can work side by side. All
 * processes must agree on it, since it decides where the events of a key are.
 */
export const defaultPartitions = 8;

/** The partition of a key: the same in every process, for ever. */
export function partitionOf(key: string, partitions: number): number {
  return crc32(key) % partitions;
}

/** Where an event went, as one text. */
export function receiptOf(partition: number, position: string): string {
  return `${partition}/${position}`;
}

/** Undefined for what is no receipt of a partition. */
export function parseReceipt(receipt: string): { partition: number; position: string } | undefined {
  const [, partition, position] = /^(\d+)\/(.+)$/.exec(receipt) ?? [];
  return partition === undefined || position === undefined
    ? undefined
    : { partition: Number(partition), position };
}
