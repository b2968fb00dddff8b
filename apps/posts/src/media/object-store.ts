import type { MediaType } from '@rostrum/contracts';

/** An object that may be uploaded by whoever has the URL. */
export interface SignedUpload {
  url: string;
  /** What the upload must say of itself; nothing else is taken. */
  headers: Record<string, string>;
}

export interface UploadTerms {
  type: MediaType;
  /** Exactly as many. */
  bytes: number;
  seconds: number;
}

export interface DownloadTerms {
  type: MediaType;
  /** What it is called where it is saved. */
  fileName: string;
  /** The URL is the same for all who are given it for the same time, so that clients' caches know it again. */
  from: Date;
  seconds: number;
}

/** Where the bytes of pictures are. Keys are ours, never of what somebody sends. */
export interface ObjectStore {
  uploadUrl(key: string, terms: UploadTerms): Promise<SignedUpload>;
  downloadUrl(key: string, terms: DownloadTerms): Promise<string>;
  /** Undefined where there is no such object. */
  read(key: string, signal?: AbortSignal): Promise<Buffer | undefined>;
  /** It is there whole or not at all. */
  write(key: string, bytes: Buffer, options: { type: MediaType; signal?: AbortSignal }): Promise<void>;
  /** Also of what is not there. */
  remove(key: string, signal?: AbortSignal): Promise<void>;
}
