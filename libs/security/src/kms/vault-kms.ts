import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { bindTexts } from './aes-gcm';
import { contextEntries, KmsError, type KeyContext, type Kms } from './kms';

export interface VaultKmsOptions {
  /** For example https://vault.internal:8200. */
  address: string;
  /** Where the Transit engine is mounted. */
  mount: string;
  /** The name of a key of a type with additional data, such as aes256-gcm96. */
  key: string;
  /** A token, or the file in which a Vault agent keeps one: that is read anew for each request. */
  token: { text: string } | { file: string };
  namespace?: string | undefined;
  timeoutMs?: number;
  /** How long to wait before a second and a third try. */
  retryMs?: readonly number[];
}

const encrypted = z.object({ data: z.object({ ciphertext: z.string().regex(/^vault:v\d+:/) }) });
const decrypted = z.object({ data: z.object({ plaintext: z.base64() }) });

/** Vault's Transit engine. The version of the key that wrapped something is in what Vault gives for it. */
export function createVaultKms(options: VaultKmsOptions): Kms {
  const { mount, key } = options;
  return {
    provider: 'vault',
    async wrap(plain, context) {
      const body = { plaintext: plain.toString('base64'), associated_data: associated(context) };
      const { ciphertext } = encrypted.parse(await post(options, `${mount}/encrypt/${key}`, body)).data;
      return { masterKeyId: `${mount}/${key}:${ciphertext.split(':')[1]}`, bytes: Buffer.from(ciphertext) };
    },
    async unwrap({ masterKeyId, bytes }, context) {
      const path = masterKeyId.replace(/:v\d+$/, '').replace(/\/([^/]+)$/, '/decrypt/$1');
      const body = { ciphertext: bytes.toString(), associated_data: associated(context) };
      return Buffer.from(decrypted.parse(await post(options, path, body)).data.plaintext, 'base64');
    },
  };
}

function associated(context: KeyContext): string {
  return bindTexts(...contextEntries(context).flat()).toString('base64');
}

/** Tried again where that may help: both requests change nothing. */
async function post(options: VaultKmsOptions, path: string, body: object): Promise<unknown> {
  const waits = options.retryMs ?? [100, 400];
  for (let tries = 0; ; tries += 1) {
    try {
      return await postOnce(options, path, body);
    } catch (error) {
      const wait = waits[tries];
      if (wait === undefined || !(error instanceof KmsError) || error.failure === 'refused') throw error;
      await delay(wait);
    }
  }
}

async function postOnce(options: VaultKmsOptions, path: string, body: object): Promise<unknown> {
  const headers = {
    'Content-Type': 'application/json',
    'X-Vault-Request': 'true',
    'X-Vault-Token': await tokenOf(options),
    ...(options.namespace !== undefined && { 'X-Vault-Namespace': options.namespace }),
  };
  const init = { method: 'POST', headers, body: JSON.stringify(body), redirect: 'error' as const };
  const signal = AbortSignal.timeout(options.timeoutMs ?? 2000);
  let response: Response;
  let answer: unknown;
  try {
    response = await fetch(new URL(`/v1/${path}`, options.address), { ...init, signal });
    answer = await response.json();
  } catch (error) {
    throw new KmsError('unavailable', 'Vault does not answer', error);
  }
  if (response.ok) return answer;
  throw refusalOf(response.status, answer);
}

/** 400: not this ciphertext or context; 403, 404: no right, or no such key. All others (429, 5xx, 473) pass. */
function refusalOf(status: number, answer: unknown): KmsError {
  const { errors = [] } = (answer ?? {}) as { errors?: unknown[] };
  const failure = [400, 403, 404].includes(status) ? 'refused' : 'unavailable';
  return new KmsError(failure, `Vault answered ${status}`, errors.join('; '));
}

async function tokenOf({ token }: VaultKmsOptions): Promise<string> {
  if ('text' in token) return token.text;
  try {
    return (await readFile(token.file, 'utf8')).trim();
  } catch (error) {
    throw new KmsError('unavailable', "Vault's token cannot be read", error);
  }
}
