/** What a parent tells its cache processes to do. */
export interface Order {
  id: number;
  do: 'read' | 'version' | 'write' | 'traffic';
  key?: string;
  times?: number;
  loadMs?: number;
  traffic?: Traffic;
}

export interface Traffic {
  keys: string[];
  seed: number;
  forMs: number;
  actors: number;
}

/** What a process did, by a clock that all of them share. Without a version it failed, or may have. */
export interface Operation {
  kind: 'read' | 'write';
  key: string;
  startedAt: number;
  endedAt: number;
  version?: number;
}
