/** For sets of which there are very many, nearly all with one member: a `Set` for each would take some 250 bytes. */
export class SmallSet<T extends object> {
  private only: T | undefined;
  private several: Set<T> | undefined;

  constructor(member?: T) {
    this.only = member;
  }

  get size(): number {
    return this.several?.size ?? (this.only ? 1 : 0);
  }

  has(member: T): boolean {
    return this.several ? this.several.has(member) : this.only === member;
  }

  add(member: T): void {
    if (this.several) {
      this.several.add(member);
    } else if (!this.only || this.only === member) {
      this.only = member;
    } else {
      this.several = new Set([this.only, member]);
      this.only = undefined;
    }
  }

  /** Whether it was there. */
  delete(member: T): boolean {
    if (!this.several) {
      const was = this.only === member;
      if (was) this.only = undefined;
      return was;
    }
    const was = this.several.delete(member);
    if (this.several.size === 1) {
      [this.only] = this.several;
      this.several = undefined;
    }
    return was;
  }

  [Symbol.iterator](): IterableIterator<T> {
    return this.several ? this.several.values() : (this.only ? [this.only] : []).values();
  }
}
