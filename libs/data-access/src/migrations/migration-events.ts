/** What a run of migrations tells while it goes on. */
export type MigrationEvent =
  | { kind: 'waiting'; holder: string }
  | { kind: 'started'; name: string; direction: 'up' | 'down'; position: number; total: number }
  | {
      kind: 'retrying';
      name: string;
      attempt: number;
      attempts: number;
      waitMs: number;
      /** Who holds tables of the schema. */
      inUseBy: string[];
    }
  /** What an interrupted attempt to build an index concurrently had left behind. */
  | { kind: 'index-removed'; index: string }
  /** The same, where it is in use: the next run removes it. */
  | { kind: 'index-left'; index: string }
  | { kind: 'finished'; name: string; direction: 'up' | 'down'; ms: number }
  /** The database is ahead of this version of the service, which is as it should be after a roll-back. */
  | { kind: 'missing'; names: string[] }
  /** Will run after newer ones have. */
  | { kind: 'late'; names: string[] };
