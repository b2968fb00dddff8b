/** A data key as it is stored: encrypted under a master key that never leaves its keeper. */
export interface WrappedKey {
  /** The master key, and its version where the keeper tells one. */
  masterKeyId: string;
  bytes: Buffer;
}

/** What a data key is for. It is bound to the wrapped key: under another context that cannot be unwrapped. */
export type KeyContext = Readonly<Record<string, string>>;

/** The keeper of master keys. Encrypts data keys only; data itself never goes there. */
export interface Kms {
  readonly provider: 'local' | 'aws' | 'vault';
  wrap(key: Buffer, context: KeyContext): Promise<WrappedKey>;
  /** Rejects with `KmsError`. */
  unwrap(wrapped: WrappedKey, context: KeyContext): Promise<Buffer>;
}

/** `unavailable`: it may work later. `refused`: not with this key, this context or these rights. */
export type KmsFailure = 'unavailable' | 'refused';

export class KmsError extends Error {
  override readonly name = 'KmsError';

  constructor(
    readonly failure: KmsFailure,
    message: string,
    cause?: unknown,
  ) {
    super(message, cause === undefined ? undefined : { cause });
  }
}

/** The context in one order, whoever wrote it down. */
export function contextEntries(context: KeyContext): [name: string, value: string][] {
  return Object.entries(context).sort(([a], [b]) => (a < b ? -1 : 1));
}
