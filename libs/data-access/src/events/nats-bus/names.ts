/** NATS gives dots, stars and blanks a meaning: in the names of streams and consumers there are none of them. */
const plain = (text: string) => text.replace(/[^A-Za-z0-9_-]/g, '_');

/** One stream of NATS for the events of a service, one for what groups have given up of them. */
export const natsNames = {
  stream: (stream: string): string => plain(stream),
  subjects: (stream: string): string => `${plain(stream)}.>`,
  partition: (stream: string, partition: number): string => `${plain(stream)}.p.${partition}`,
  /** What a group is given once more. It is the group's own, so that no other group sees it. */
  replays: (stream: string, group: string): string => `${plain(stream)}.r.${plain(group)}`,
  /** The consumer of a group on one of its partitions. */
  consumer: (group: string, partition: number): string => `${plain(group)}-p${partition}`,
  deadStream: (stream: string): string => `${plain(stream)}_dead`,
  deadSubjects: (stream: string): string => `${plain(stream)}_dead.>`,
  deadLetters: (stream: string, group: string): string => `${plain(stream)}_dead.${plain(group)}`,
};

/** The subject of a group's partition: the last one is that of its replays. */
export function groupPartitionSubject(
  { stream, group }: { stream: string; group: string },
  partition: number,
  partitions: number,
): string {
  return partition === partitions ? natsNames.replays(stream, group) : natsNames.partition(stream, partition);
}
