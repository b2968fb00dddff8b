import {
  createGatheredWrite,
  mapViolation,
  withTextArrays,
  type Cache,
  type Database,
  type GatheredWrite,
  type Queryable,
  type Transaction,
} from '@rostrum/data-access';
import type { Write } from '@rostrum/service-kit';
import { profilesErrors } from '../profiles/profiles.errors';
import { reactionKinds, type Reaction, type ReactionRow } from './reaction';
import {
  addingStatement,
  postColumn,
  removingStatement,
  type ReactionStatement,
} from './reaction-statements';

export interface ReactionWritesDependencies {
  database: Pick<Database, 'query'>;
  /** Documents of posts: they count reactions. */
  cache: Pick<Cache, 'change'>;
  /** Called when so many reactions have become another than they were, and stand. */
  onChanged: (reaction: Pick<Reaction, 'kind' | 'isOn'>, count: number) => void;
}

interface Way {
  statement: ReactionStatement;
  gathered: GatheredWrite<ReactionRow>;
  onChanged: (count: number) => void;
}

/**
 * Writes reactions. Those that come while others are written are one statement and one commit, and one change of each
 * post's document in the cache, however many people like it at once.
 */
export class ReactionWrites {
  private readonly ways = new Map<string, Way>();

  constructor(private readonly dependencies: ReactionWritesDependencies) {
    for (const kind of reactionKinds) {
      for (const isOn of [true, false]) {
        const statement = isOn ? addingStatement(kind) : removingStatement(kind);
        const onChanged = (count: number) => dependencies.onChanged({ kind, isOn }, count);
        const counts = kind !== 'bookmark';
        const db = { query: this.queryThrough({ counts, onChanged }) };
        const gathered = createGatheredWrite<ReactionRow>({ db, ...statement });
        this.ways.set(nameOf({ kind, isOn }), { statement, gathered, onChanged });
      }
    }
  }

  /** Resolves when it stands, and everybody reads the count that it has made. */
  async write(reaction: Pick<Reaction, 'kind' | 'isOn'>, row: ReactionRow): Promise<void> {
    await this.wayOf(reaction).gathered(row).catch(toProblem);
  }

  /** The same in a transaction of its own, which holds more than the reaction. */
  async writeIn(
    write: Write<void>,
    reaction: Pick<Reaction, 'kind' | 'isOn'>,
    row: ReactionRow,
  ): Promise<void> {
    const { statement, onChanged } = this.wayOf(reaction);
    const work = async (trx: Transaction) => {
      const columns = statement.valuesOf(row).map((value) => [value]);
      const { rowCount } = await trx.query(statement.name, statement.text, columns).catch(toProblem);
      if (rowCount > 0) trx.onCommit(() => onChanged(rowCount));
    };
    await this.dependencies.cache.change([row.postId], () => write(work));
  }

  private wayOf(reaction: Pick<Reaction, 'kind' | 'isOn'>): Way {
    // All of them are made above.
    return this.ways.get(nameOf(reaction)) as Way;
  }

  private queryThrough({
    counts,
    onChanged,
  }: { counts: boolean } & Pick<Way, 'onChanged'>): Queryable['query'] {
    const { cache } = this.dependencies;
    const database = withTextArrays(this.dependencies.database);
    return async (name, text, values = []) => {
      const query = () => database.query<never>(name, text, values);
      const posts = values[postColumn] as readonly string[];
      const result = await (counts ? cache.change([...new Set(posts)], query) : query());
      if (result.rowCount > 0) onChanged(result.rowCount);
      return result;
    };
  }
}

function nameOf({ kind, isOn }: Pick<Reaction, 'kind' | 'isOn'>): string {
  return isOn ? kind : `no ${kind}`;
}

function toProblem(error: unknown): never {
  throw mapViolation(error, { profiles_username_key: (cause) => profilesErrors.notReady(cause) });
}
