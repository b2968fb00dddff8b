import type { BusEvent, SerializedEvent } from './bus-event';

/**
 * What carries events from a service's outbox to the groups that handle them. A stream has a fixed number of
 * partitions, and an event's key decides which is its own: within a partition there is one order, which every reader
 * sees. What is said here holds for each engine, and one suite of tests asks it of them all.
 */
export interface EventBus {
  /** How many partitions each stream has. For a group there is one more, with this number: its replayed dead letters. */
  readonly partitions: number;
  /**
   * Appends to the stream, keeping the order of each key. Resolves to a receipt for each event. When it rejects, any
   * number of the events may be in the stream; given again in the same order, none of them overtakes another.
   */
  publish(stream: string, events: readonly SerializedEvent[]): Promise<string[]>;
  /** Which of these are not in the stream although it has given receipts for them. */
  findMissing<Event extends PublishedEvent>(stream: string, published: readonly Event[]): Promise<Event[]>;
  /** Calls back whenever the engine may have lost what it had acknowledged: after each loss of its connection. */
  onInterruption(listener: () => void): () => void;
  /** When the oldest event came that some group has not acknowledged; undefined where all have been. */
  oldestUnacknowledged(stream: string): Promise<Date | undefined>;
  /** Removes what came before this time and has been acknowledged by every group, and nothing else. */
  trim(stream: string, before: Date): Promise<void>;
  /** Makes the caller a member of a group, which is made where it is not there. */
  join(membership: Membership): GroupMember;
  /** How many events of the stream, replayed ones included, the group has yet to acknowledge. */
  lag(stream: string, group: string): Promise<number>;
  deadLetters(stream: string, group: string): DeadLetters;
  /** Takes a member's name off the group's books; refused while the member holds events. */
  removeMember(stream: string, group: string, member: string): Promise<void>;
  /** Resolves when the engine answers. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

export interface PublishedEvent {
  id: string;
  receipt: string;
}

export interface Membership {
  stream: string;
  /** Each group is given every event; its members share them. */
  group: string;
  member: string;
}

/**
 * One member of a group. It asks for events only of partitions that it is the owner of, as the leases tell, and must be
 * prepared to find that it no longer is: who writes what an event is for checks the lease in the same transaction.
 */
export interface GroupMember {
  /** From now on this partition is ours: what other members were given of it and never acknowledged comes first. */
  take(partition: number): void;
  /** The partition is somebody else's. */
  drop(partition: number): void;
  /**
   * The oldest events of each of these partitions that the group has not acknowledged, in order; waits for some where
   * there are none. What somebody has been given before comes alone, so that if it does harm it harms nothing else.
   */
  fetch(request: FetchRequest): Promise<Delivery[]>;
  /** They are done, and never come again. All of one partition. */
  acknowledge(deliveries: readonly Delivery[]): Promise<void>;
  /** They are not done, and will be fetched again. All of one partition. */
  refuse(deliveries: readonly Delivery[]): Promise<void>;
  /** Sets an event aside as a dead letter and takes it off the group's hands, in one step. */
  bury(delivery: Delivery, story: DeathStory): Promise<void>;
  /** Ends waits that are under way. */
  close(): Promise<void>;
}

export interface FetchRequest {
  partitions: readonly number[];
  /** For all partitions together; each gets at least one. */
  max: number;
  waitMs: number;
}

/** An event in the hands of one member. */
export interface Delivery {
  readonly partition: number;
  /** Where it lies in its partition, as the engine counts. */
  readonly position: string;
  /** Missing where what lies there is no event. */
  readonly event: BusEvent | undefined;
  /** Whether it has been given to somebody before, who did not acknowledge it. */
  readonly seenBefore: boolean;
}

export interface DeathStory {
  /** A kind of error, never its text. */
  reason: string;
  /** How often handling it was tried. */
  attempts: number;
}

export interface DeadLetter extends DeathStory {
  /** Names the letter, not the event. Later letters have greater ones. */
  id: string;
  event: BusEvent | undefined;
  /** What lies there, where it is no event. */
  raw: string | undefined;
  partition: number;
  position: string;
  member: string;
  /** ISO 8601. */
  buriedAt: string;
}

/** What one group has given up of one stream. Nothing is ever removed from it but by these. */
export interface DeadLetters {
  count(): Promise<number>;
  /** Oldest first, those after the given letter. */
  list(page?: { after?: string | undefined; limit?: number }): Promise<DeadLetter[]>;
  get(id: string): Promise<DeadLetter | undefined>;
  /** Gives it to its group once more, and to no other. Resolves to whether there was such a letter. */
  replay(id: string): Promise<boolean>;
  discard(id: string): Promise<boolean>;
}
