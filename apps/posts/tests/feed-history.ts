import type { PostsApp, Caller } from './posts-app';
import { placesOf, type FeedPlace } from './feed-app';

export type Step =
  | { kind: 'post' | 'read'; who: number }
  | { kind: 'follow' | 'unfollow' | 'block' | 'unblock'; who: number; whom: number }
  | { kind: 'delete'; who: number; which: number }
  | { kind: 'repost' | 'unrepost'; who: number; which: number }
  | { kind: 'forget' };

/** Something that took place at some time between its begin and its end. */
interface Span {
  begin: number;
  end: number;
}

interface WrittenPost extends Span {
  author: number;
  id: string;
  deleted: Span | undefined;
}

/** Something that is so from then on, or no more. */
interface Change extends Span {
  isOn: boolean;
}

interface FollowChange extends Change {
  who: number;
  whom: number;
}

interface RepostChange extends Change {
  who: number;
  postId: string;
}

interface Reading extends Span {
  who: number;
  places: FeedPlace[];
}

/** The first page of this size is kept. */
const pageSize = 20;

/** Does things at feeds, several at a time, and knows what each reader must have seen and cannot have seen. */
export class FeedHistory {
  private readonly posts: WrittenPost[] = [];
  private readonly changes: FollowChange[] = [];
  private readonly reposts: RepostChange[] = [];
  readonly readings: Reading[] = [];

  constructor(
    private readonly app: PostsApp,
    private readonly people: readonly Caller[],
  ) {}

  async run(steps: readonly Step[]): Promise<void> {
    for (const step of steps) await this.take(step);
  }

  private async take(step: Step): Promise<void> {
    switch (step.kind) {
      case 'post':
        return this.publish(step.who);
      case 'read':
        return this.read(step.who);
      case 'follow':
      case 'unfollow':
        return this.change(step.who, step.whom, step.kind === 'follow');
      case 'block':
        return this.block(step.who, step.whom);
      case 'unblock':
        // Nothing comes back by that: both have to follow anew.
        if (step.who !== step.whom) await this.write(step, 'DELETE', 'block');
        return;
      case 'delete':
        return this.remove(step.who, step.which);
      case 'repost':
      case 'unrepost':
        return this.passOn(step.who, step.which, step.kind === 'repost');
      case 'forget':
        // All that is cached, as by an eviction, while others read and write.
        return this.app.arrange('select');
    }
  }

  private person(who: number): Caller {
    return this.people[who] as Caller;
  }

  private async timed<T>(work: () => Promise<T>): Promise<Span & { value: T }> {
    const begin = performance.now();
    const value = await work();
    return { begin, end: performance.now(), value };
  }

  private async publish(author: number): Promise<void> {
    const { begin, end, value } = await this.timed(() => this.person(author).post('text'));
    this.posts.push({ begin, end, author, id: (value as { id: string }).id, deleted: undefined });
  }

  private async remove(author: number, which: number): Promise<void> {
    const own = this.posts.filter((post) => post.author === author && !post.deleted);
    const post = own[which % Math.max(1, own.length)];
    if (!post) return;
    // From here on it may be gone.
    post.deleted = { begin: performance.now(), end: Infinity };
    const { status } = await this.person(author).write('DELETE', `/api/v1/posts/${post.id}`);
    if (status !== 204) throw new Error(`The deletion was answered ${status}`);
    post.deleted.end = performance.now();
  }

  /** Any post, as soon as it is known. */
  private async passOn(who: number, which: number, isOn: boolean): Promise<void> {
    const post = this.posts[which % Math.max(1, this.posts.length)];
    if (!post) return;
    const change: RepostChange = { who, postId: post.id, isOn, begin: performance.now(), end: Infinity };
    this.reposts.push(change);
    const { status } = await this.person(who).write(
      isOn ? 'PUT' : 'DELETE',
      `/api/v1/posts/${post.id}/repost`,
    );
    if (status === 204) change.end = performance.now();
    // It is not there for them, and nothing has taken place.
    else if (status === 404 || status === 410) this.reposts.splice(this.reposts.indexOf(change), 1);
    else throw new Error(`The repost was answered ${status}`);
  }

  private async change(who: number, whom: number, isOn: boolean): Promise<void> {
    if (who === whom) return;
    const change = this.begin(who, whom, isOn);
    const status = await this.write({ who, whom }, isOn ? 'PUT' : 'DELETE', 'follow');
    if (status === 204) change.end = performance.now();
    // One of them has blocked the other, and it has not taken place.
    else this.changes.splice(this.changes.indexOf(change), 1);
  }

  /** Ends that they follow each other, and keeps them from it. */
  private async block(who: number, whom: number): Promise<void> {
    if (who === whom) return;
    const ends = [this.begin(who, whom, false), this.begin(whom, who, false)];
    await this.write({ who, whom }, 'PUT', 'block');
    for (const end of ends) end.end = performance.now();
  }

  private begin(who: number, whom: number, isOn: boolean): FollowChange {
    const change: FollowChange = { who, whom, isOn, begin: performance.now(), end: Infinity };
    this.changes.push(change);
    return change;
  }

  private async write({ who, whom }: { who: number; whom: number }, method: string, what: string) {
    const path = `/api/v1/users/${this.person(whom).username}/${what}`;
    const { status, text } = await this.person(who).write(method, path);
    if (status !== 204 && status !== 404) throw new Error(`${method} ${what} was answered ${status} ${text}`);
    return status;
  }

  private async read(who: number): Promise<void> {
    const { begin, end, value } = await this.timed(() => placesOf(this.person(who), pageSize));
    this.readings.push({ who, places: value, begin, end });
  }

  /** What cannot be, in words. */
  problems(): string[] {
    const found = this.readings.flatMap((reading) => this.problemsOf(reading));
    return [...new Set(found)];
  }

  private problemsOf(reading: Reading): string[] {
    const problems: string[] = [];
    const ids = ownPlaces(reading);
    if (String([...new Set(ids)].sort().reverse()) !== String(ids)) problems.push('out of order, or twice');
    for (const post of this.posts) {
      const { id } = post;
      if (ids.includes(id) && !this.mayShow(reading, post)) problems.push(`${id} should not have been there`);
      const reposters = reading.places.flatMap((place) => (place.id === id && place.by ? [place.by] : []));
      for (const by of reposters)
        if (!this.mayShowBy(reading, post, by)) problems.push(`${id} should not have been there by ${by}`);
      const isShown = ids.includes(id) || reposters.length > 0;
      if (!isShown && this.mustShow(reading, post)) problems.push(`${id} was missing`);
    }
    return problems;
  }

  /** Passed on by somebody whom one follows, and not taken back. */
  private mayShowBy({ who, begin, end }: Reading, { id, deleted }: WrittenPost, by: string): boolean {
    if (deleted && deleted.end < begin) return false;
    const reposter = this.people.findIndex((person) => person.id === by);
    const reposts = this.reposts.filter((change) => change.who === reposter && change.postId === id);
    if (stateOf(reposts, { from: begin, to: end }) === 'no') return false;
    return who === reposter || this.follows({ who, whom: reposter, from: begin, to: end }) !== 'no';
  }

  private mayShow({ who, begin, end }: Reading, { author, deleted, ...post }: WrittenPost): boolean {
    if (post.begin > end || (deleted && deleted.end < begin)) return false;
    return who === author || this.follows({ who, whom: author, from: begin, to: end }) !== 'no';
  }

  /** One's own; what had been written when one began to follow; and what one has seen before. */
  private mustShow(reading: Reading, { id, author, deleted, end }: WrittenPost): boolean {
    const { who, begin } = reading;
    if (end > begin || (deleted && deleted.begin < reading.end)) return false;
    if (who === author) return true;
    const seenBefore = this.readings.some(
      (other) =>
        other.who === who &&
        other.end < begin &&
        ownPlaces(other).includes(id) &&
        this.follows({ who, whom: author, from: other.begin, to: reading.end }) === 'yes',
    );
    if (seenBefore) return true;
    return this.changes.some(
      (change) =>
        change.who === who &&
        change.whom === author &&
        change.isOn &&
        change.begin > end &&
        change.end < begin &&
        this.isFirst(change) &&
        this.follows({ who, whom: author, from: change.end, to: reading.end }) === 'yes',
    );
  }

  /** Whether this follow really began with it: following again changes nothing. */
  private isFirst(change: FollowChange): boolean {
    return (
      this.follows({ who: change.who, whom: change.whom, from: change.begin - 1e-3, to: change.begin }) ===
      'no'
    );
  }

  /** Whether one followed another for all of a time, for none of it, or for who knows how much. */
  private follows({ who, whom, from, to }: { who: number; whom: number; from: number; to: number }) {
    const all = this.changes.filter((change) => change.who === who && change.whom === whom);
    return stateOf(all, { from, to });
  }
}

function ownPlaces({ places }: Reading): string[] {
  return places.flatMap(({ id, by }) => (by === undefined ? [id] : []));
}

/** Whether something was so for all of a time, for none of it, or for who knows how much. */
function stateOf(all: readonly Change[], { from, to }: { from: number; to: number }) {
  const before = all.filter(({ end }) => end <= from);
  const last = before.reduce<Change | undefined>(
    (latest, change) => (latest && latest.end > change.end ? latest : change),
    undefined,
  );
  // Whatever may have come after the last that is sure, or at the same time.
  const others = all.filter(
    (change) => change !== last && change.begin < to && change.end > (last?.begin ?? -1),
  );
  const initially = last?.isOn ?? false;
  if (others.some(({ isOn }) => isOn !== initially)) return 'perhaps';
  return initially ? 'yes' : 'no';
}
