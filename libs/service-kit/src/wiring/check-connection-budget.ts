import type { Config, databaseSettings } from '@rostrum/config';
import type { Database } from '@rostrum/data-access';
import type { Kit } from '../lifecycle/kit';

const retryMs = 5_000;

export interface BudgetCheck {
  /** Rejects when the server cannot hold all processes like this one. One that does not answer is asked again later. */
  open(): Promise<void>;
  close(): void;
}

/** Behind a pooler there is nothing to ask: what it takes is compared when the configuration is read. */
export function connectionBudgetCheck(
  { logger }: Kit,
  database: Database,
  config: Config<typeof databaseSettings>,
): BudgetCheck {
  const plan = {
    processes: config.databaseExpectedReplicas,
    perProcess: config.databaseMaxConnections,
    reserve: config.databaseReservedConnections,
  };
  let timer: NodeJS.Timeout | undefined;
  const askAgain = async () => {
    try {
      const [problem] = await database.connectionBudgetProblems(plan);
      if (problem) logger.error(`There are not enough connections: ${problem}`);
    } catch {
      later();
    }
  };
  const later = () => {
    timer = setTimeout(() => void askAgain(), retryMs).unref();
  };
  return {
    async open() {
      if (config.databaseWays.pooler !== 'none') return;
      const problems = await database.connectionBudgetProblems(plan).catch(() => undefined);
      if (problems === undefined) later();
      else if (problems.length > 0)
        throw new Error(`There are not enough connections: ${problems.join('; ')}`);
    },
    close: () => clearTimeout(timer),
  };
}
