import { isAppError, type AppError } from '@rostrum/errors';

export type Attempt<T> = { value: T; refusal?: undefined } | { value?: undefined; refusal: AppError };

/**
 * What came of a check that is made before a transaction. A refusal is kept for within it: a request that is repeated
 * with its key is answered as it was, also when what it asked for would be refused by now.
 */
export async function attempt<T>(work: Promise<T>): Promise<Attempt<T>> {
  try {
    return { value: await work };
  } catch (error) {
    if (isAppError(error) && error.status < 500) return { refusal: error };
    throw error;
  }
}
