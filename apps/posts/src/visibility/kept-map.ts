/** Something that is kept. Whoever holds it while they wait looks afterwards whether it still is. */
export class Kept<T> {
  isCurrent = true;

  constructor(readonly value: T) {}
}

interface Room {
  entries: number;
  weight: number;
}

/**
 * Keeps things for one to two turns, and no more of them than there is room for in each: what is kept goes all at
 * once, so that nothing has to be noted when it is read.
 */
export class KeptMap<T> {
  private young = new Map<string, Kept<T>>();
  private old = new Map<string, Kept<T>>();
  private weight = 0;

  constructor(private readonly room: Room) {}

  get(key: string): Kept<T> | undefined {
    return this.young.get(key) ?? this.old.get(key);
  }

  /** What is kept already is no worse. */
  set(key: string, value: T, weight = 0): void {
    if (this.get(key)) return;
    this.weight += weight;
    if (this.young.size >= this.room.entries || this.weight > this.room.weight) {
      this.turn();
      this.weight = weight;
    }
    this.young.set(key, new Kept(value));
  }

  forget(key: string): void {
    forgetIn(this.young, key);
    forgetIn(this.old, key);
  }

  turn(): void {
    end(this.old);
    this.old = this.young;
    this.young = new Map();
    this.weight = 0;
  }

  clear(): void {
    this.turn();
    this.turn();
  }
}

function forgetIn(entries: Map<string, Kept<unknown>>, key: string): void {
  const kept = entries.get(key);
  if (!kept) return;
  kept.isCurrent = false;
  entries.delete(key);
}

function end(entries: Map<string, Kept<unknown>>): void {
  for (const kept of entries.values()) kept.isCurrent = false;
}
