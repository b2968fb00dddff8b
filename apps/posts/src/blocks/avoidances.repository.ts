import type { Queryable, QueryOptions } from '@rostrum/data-access';
import { v7 as uuidv7 } from 'uuid';
import { personColumns, type PersonRow } from '../profiles/profiles.repository';

/** The two ways to have nothing to do with somebody. */
export type AvoidanceKind = 'block' | 'mute';

export interface Avoidance {
  personId: string;
  otherId: string;
}

const tables = {
  block: { name: 'blocks', from: 'blocker_id', to: 'blocked_id' },
  mute: { name: 'mutes', from: 'muter_id', to: 'muted_id' },
} as const;

const newest = 'ffffffff-ffff-ffff-ffff-ffffffffffff';
const lowest = '00000000-0000-0000-0000-000000000000';

/** Who has blocked or muted whom. */
export class AvoidancesRepository {
  private readonly table: (typeof tables)[AvoidanceKind];

  constructor(
    private readonly db: Queryable,
    private readonly kind: AvoidanceKind,
  ) {
    this.table = tables[kind];
  }

  /** The time of it where it is new. */
  async add({ personId, otherId }: Avoidance): Promise<Date | undefined> {
    const { name, from, to } = this.table;
    const { rows } = await this.db.query<{ created_at: Date }>(
      `add_${this.kind}`,
      `insert into ${name} (${from}, ${to}, id) values ($1, $2, $3) on conflict do nothing returning created_at`,
      [personId, otherId, uuidv7()],
    );
    return rows[0]?.created_at;
  }

  /** Whether there was one. */
  async remove({ personId, otherId }: Avoidance): Promise<boolean> {
    const { name, from, to } = this.table;
    const { rowCount } = await this.db.query(
      `remove_${this.kind}`,
      `delete from ${name} where ${from} = $1 and ${to} = $2`,
      [personId, otherId],
    );
    return rowCount > 0;
  }

  async list(
    personId: string,
    { after = newest, limit }: { after: string | undefined; limit: number },
    options?: QueryOptions,
  ): Promise<PersonRow[]> {
    const { name, from, to } = this.table;
    const { rows } = await this.db.query<PersonRow>(
      `list_${name}`,
      `select ${personColumns}, l.id as position
         from ${name} l join profiles a on a.user_id = l.${to}
        where l.${from} = $1 and l.id < $2 order by l.id desc limit $3`,
      [personId, after, limit],
      options,
    );
    return rows;
  }

  /** Everybody's, in the order of their key. */
  async all(
    { after, limit }: { after: Avoidance | undefined; limit: number },
    options?: QueryOptions,
  ): Promise<(Avoidance & { since: Date })[]> {
    const { name, from, to } = this.table;
    const { rows } = await this.db.query<Avoidance & { since: Date }>(
      `list_all_${name}`,
      `select ${from} as "personId", ${to} as "otherId", created_at as since from ${name}
        where (${from}, ${to}) > ($1::uuid, $2::uuid) order by ${from}, ${to} limit $3`,
      [after?.personId ?? lowest, after?.otherId ?? lowest, limit],
      options,
    );
    return rows;
  }
}
