import type { KMSClient, KMSClientConfig } from '@aws-sdk/client-kms';
import { KmsError, type KeyContext, type Kms, type WrappedKey } from './kms';

export interface AwsKmsOptions {
  /** The key's id, ARN or alias. */
  keyId: string;
  region: string;
  /** Another place than AWS's own: a VPC endpoint, or a test's server. */
  endpoint?: string | undefined;
  timeoutMs?: number;
  /** Instead of those that the environment, the pod or the machine gives. */
  credentials?: KMSClientConfig['credentials'];
}

/** What trying again does not mend. */
const refusals = new Set([
  'AccessDeniedException',
  'DisabledException',
  'IncorrectKeyException',
  'InvalidCiphertextException',
  'InvalidKeyUsageException',
  'KMSInvalidStateException',
  'NotFoundException',
  'UnrecognizedClientException',
  'ValidationException',
]);

/** AWS KMS. Which version of the key has wrapped something is AWS's business: it rotates them by itself. */
export function createAwsKms(options: AwsKmsOptions): Kms {
  const { keyId } = options;
  let opened: ReturnType<typeof openClient> | undefined;
  /** The client is large: who keeps keys elsewhere does not load it. */
  const client = () => (opened ??= openClient(options));
  return {
    provider: 'aws',
    async wrap(key, context): Promise<WrappedKey> {
      const { aws, send } = await client();
      const command = new aws.EncryptCommand({
        KeyId: keyId,
        Plaintext: key,
        EncryptionContext: { ...context },
      });
      const answer = await asKmsError(() => send.send(command));
      return { masterKeyId: answer.KeyId ?? keyId, bytes: bytesOf(answer.CiphertextBlob) };
    },
    async unwrap({ masterKeyId, bytes }, context: KeyContext) {
      const { aws, send } = await client();
      const command = new aws.DecryptCommand({
        KeyId: masterKeyId,
        CiphertextBlob: bytes,
        EncryptionContext: { ...context },
      });
      const answer = await asKmsError(() => send.send(command));
      return bytesOf(answer.Plaintext);
    },
  };
}

async function openClient({ region, endpoint, timeoutMs = 2000, credentials }: AwsKmsOptions) {
  const aws = await import('@aws-sdk/client-kms');
  const send: KMSClient = new aws.KMSClient({
    region,
    ...(endpoint !== undefined && { endpoint }),
    ...(credentials && { credentials }),
    maxAttempts: 3,
    requestHandler: { connectionTimeout: timeoutMs, requestTimeout: timeoutMs, throwOnRequestTimeout: true },
  });
  return { aws, send };
}

async function asKmsError<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    const { name } = error as Error;
    const failure = refusals.has(name) ? 'refused' : 'unavailable';
    throw new KmsError(failure, `AWS KMS: ${name}`, error);
  }
}

function bytesOf(bytes: Uint8Array | undefined): Buffer {
  if (!bytes || bytes.length === 0)
    throw new KmsError('unavailable', 'AWS KMS: an answer without what was asked for');
  return Buffer.from(bytes);
}
