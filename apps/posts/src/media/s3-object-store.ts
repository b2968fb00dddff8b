import { createHash } from 'node:crypto';
import { problems } from '@rostrum/errors';
import type { HttpAnswer, HttpClient } from '@rostrum/resilience';
import { AwsV4Signer } from 'aws4fetch';
import type { MediaType } from '@rostrum/contracts';
import type { DownloadTerms, ObjectStore, SignedUpload, UploadTerms } from './object-store';

export interface S3Options {
  /** Where the bucket is, its name in the path or the host. */
  bucketUrl: string;
  /** Where clients find it, if that is elsewhere. */
  publicUrl?: string | undefined;
  region: string;
  accessKeyId: string;
  secretAccessKey: string;
}

interface ToSign {
  method: 'GET' | 'PUT' | 'DELETE';
  url: URL;
  headers?: Record<string, string>;
  at?: Date;
}

export const mediaStoreName = 'media_store';

/** Keeps objects in a bucket of anything that speaks S3: signed requests of ours, signed URLs for clients. */
export class S3ObjectStore implements ObjectStore {
  private readonly credentials;

  constructor(
    private readonly options: S3Options,
    private readonly client: Pick<HttpClient, 'request'>,
  ) {
    const { region, accessKeyId, secretAccessKey } = options;
    // The keys that are made of the secret each day are kept.
    this.credentials = { region, accessKeyId, secretAccessKey, service: 's3', cache: new Map() };
  }

  /** Type and length are signed: the store refuses any other. */
  async uploadUrl(key: string, { type, bytes, seconds }: UploadTerms): Promise<SignedUpload> {
    const headers = { 'Content-Type': type, 'Content-Length': String(bytes) };
    const url = await this.presign({ method: 'PUT', url: this.publicUrlOf(key), headers }, seconds);
    return { url, headers };
  }

  downloadUrl(key: string, { type, fileName, from, seconds }: DownloadTerms): Promise<string> {
    const url = this.publicUrlOf(key);
    // Without a space: signers and stores differ in how they write it.
    url.searchParams.set('response-cache-control', `private,max-age=${seconds},immutable`);
    url.searchParams.set('response-content-disposition', `attachment;filename="${fileName}"`);
    url.searchParams.set('response-content-type', type);
    return this.presign({ method: 'GET', url, at: from }, seconds);
  }

  async read(key: string, signal?: AbortSignal): Promise<Buffer | undefined> {
    const answer = await this.ask('GET', key, { signal });
    if (answer.status === 404) return undefined;
    assertDone(answer);
    return answer.body;
  }

  async write(
    key: string,
    body: Buffer,
    { type, signal }: { type: MediaType; signal?: AbortSignal },
  ): Promise<void> {
    assertDone(await this.ask('PUT', key, { body, type, signal }));
  }

  async remove(key: string, signal?: AbortSignal): Promise<void> {
    const answer = await this.ask('DELETE', key, { signal });
    if (answer.status !== 404) assertDone(answer);
  }

  private async ask(
    method: ToSign['method'],
    key: string,
    { body, type, signal }: { body?: Buffer; type?: MediaType; signal?: AbortSignal | undefined },
  ): Promise<HttpAnswer> {
    const url = urlIn(this.options.bucketUrl, key);
    const digest = createHash('sha256')
      .update(body ?? '')
      .digest('hex');
    const headers = { 'X-Amz-Content-Sha256': digest, ...(type !== undefined && { 'Content-Type': type }) };
    const signed = await new AwsV4Signer({ ...this.credentials, method, url: url.href, headers }).sign();
    return this.client.request(url, {
      method,
      headers: Object.fromEntries(signed.headers),
      signal,
      ...(body && { body }),
    });
  }

  private async presign({ method, url, headers = {}, at }: ToSign, seconds: number): Promise<string> {
    url.searchParams.set('X-Amz-Expires', String(seconds));
    const signed = await new AwsV4Signer({
      ...this.credentials,
      method,
      url: url.href,
      headers,
      signQuery: true,
      allHeaders: true,
      ...(at && { datetime: at.toISOString().replace(/[:-]|\.\d{3}/g, '') }),
    }).sign();
    return signed.url.href;
  }

  private publicUrlOf(key: string): URL {
    return urlIn(this.options.publicUrl ?? this.options.bucketUrl, key);
  }
}

function urlIn(bucketUrl: string, key: string): URL {
  return new URL(`${bucketUrl.replace(/\/+$/, '')}/${key}`);
}

/** What a store says that refuses is for the log. */
function assertDone(answer: HttpAnswer): void {
  if (answer.status < 300) return;
  const cause = new Error(`The store answered ${answer.status}: ${answer.text().slice(0, 500)}`);
  throw problems.badResponse(mediaStoreName, cause);
}
