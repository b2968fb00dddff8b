import type { NotificationKind } from '@rostrum/contracts';

interface Deed {
  kind: NotificationKind;
  actor: string;
  key: string;
  post: string | null;
  order: number;
  withdrawn: boolean;
  group: Group;
}

interface Group {
  kind: NotificationKind;
  subject: string | null;
  order: number;
  read: boolean;
}

export interface Seen {
  kind: NotificationKind;
  postId: string | null;
  actors: string[];
  actorCount: number;
  read: boolean;
}

export interface Told {
  kind: NotificationKind;
  recipient: string;
  actor: string;
  subject: string | null;
  post?: string;
}

const aboutOnePost: readonly NotificationKind[] = ['reply', 'quote', 'mention'];

/** What people should find in their notifications, reckoned from lists that are gone through from end to end. */
export class NotificationOracle {
  private readonly deeds = new Map<string, Deed[]>();
  private readonly avoidances = new Set<string>();
  private order = 0;

  tell({ kind, recipient, actor, subject, post }: Told): void {
    if (recipient === actor || this.isUnwanted(recipient, actor)) return;
    const key = post ?? subject ?? '';
    const deeds = this.of(recipient);
    const earlier = deeds.find((each) => each.kind === kind && each.actor === actor && each.key === key);
    if (earlier) {
      earlier.withdrawn = false;
      return;
    }
    const told = (each: Deed) => each.kind !== kind && aboutOnePost.includes(each.kind) && each.post === post;
    if (post !== undefined && deeds.some(told)) return;
    const order = ++this.order;
    const open = this.groups(recipient).find(
      (group) =>
        group.kind === kind && group.subject === subject && !group.read && this.isThere(recipient, group),
    );
    const group = open ?? { kind, subject, order, read: false };
    group.order = order;
    deeds.push({ kind, actor, key, post: post ?? null, order, withdrawn: false, group });
  }

  takeBack(recipient: string, kind: NotificationKind, actor: string, key: string): void {
    for (const deed of this.of(recipient)) {
      if (deed.kind === kind && deed.actor === actor && deed.key === key) deed.withdrawn = true;
    }
  }

  avoid(person: string, other: string, kind: 'block' | 'mute'): void {
    this.avoidances.add(`${kind} ${person} ${other}`);
    this.withdrawBetween(person, other);
    if (kind === 'block') this.withdrawBetween(other, person);
  }

  unblock(person: string, other: string): void {
    this.avoidances.delete(`block ${person} ${other}`);
  }

  forgetPost(post: string): void {
    for (const [recipient, deeds] of this.deeds) {
      const left = deeds.filter((deed) => deed.post !== post && deed.group.subject !== post);
      this.deeds.set(recipient, left);
    }
  }

  /** All that is no newer than the so manieth notification of the list. */
  read(recipient: string, index: number): void {
    const listed = this.groups(recipient).filter((group) => this.isThere(recipient, group));
    const upTo = listed[index]?.order ?? 0;
    for (const group of this.groups(recipient)) if (group.order <= upTo) group.read = true;
  }

  list(recipient: string): Seen[] {
    return this.groups(recipient)
      .filter((group) => this.isThere(recipient, group))
      .map((group) => {
        const actors = new Set(
          this.of(recipient)
            .filter((deed) => deed.group === group && !deed.withdrawn)
            .sort((a, b) => b.order - a.order)
            .map(({ actor }) => actor),
        );
        return {
          kind: group.kind,
          postId: group.subject,
          actors: [...actors].slice(0, 5),
          actorCount: actors.size,
          read: group.read,
        };
      });
  }

  private of(recipient: string): Deed[] {
    const known = this.deeds.get(recipient);
    if (known) return known;
    const deeds: Deed[] = [];
    this.deeds.set(recipient, deeds);
    return deeds;
  }

  private groups(recipient: string): Group[] {
    return [...new Set(this.of(recipient).map(({ group }) => group))].sort((a, b) => b.order - a.order);
  }

  private isThere(recipient: string, group: Group): boolean {
    return this.of(recipient).some((deed) => deed.group === group && !deed.withdrawn);
  }

  private isUnwanted(recipient: string, actor: string): boolean {
    return ['block', 'mute']
      .map((kind) => `${kind} ${recipient} ${actor}`)
      .concat(`block ${actor} ${recipient}`)
      .some((each) => this.avoidances.has(each));
  }

  private withdrawBetween(recipient: string, actor: string): void {
    for (const deed of this.of(recipient)) if (deed.actor === actor) deed.withdrawn = true;
  }
}
