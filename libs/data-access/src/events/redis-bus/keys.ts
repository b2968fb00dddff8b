/** Everything of one stream has one hash tag, so that on a cluster it is on one node and may be one command's. */
const tag = (stream: string) => `{${stream}}`;

export const redisKeys = {
  partition: (stream: string, partition: number): string => `${tag(stream)}:${partition}`,
  /** What a group is given once more. It is the group's own, so that no other group sees it. */
  replays: (stream: string, group: string): string => `${tag(stream)}:replay:${group}`,
  deadLetters: (stream: string, group: string): string => `${tag(stream)}:dead:${group}`,
};

/** The key of a group's partition: the last one is that of its replays. */
export function groupPartitionKey(
  { stream, group }: { stream: string; group: string },
  partition: number,
  partitions: number,
): string {
  return partition === partitions ? redisKeys.replays(stream, group) : redisKeys.partition(stream, partition);
}
