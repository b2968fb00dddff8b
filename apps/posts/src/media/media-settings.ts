import {
  derived,
  httpUrl,
  integer,
  secretText,
  serviceSettings,
  setting,
  type Config,
} from '@rostrum/config';
import { z } from 'zod';
import type { S3Options } from './s3-object-store';

const given = {
  environment: serviceSettings.environment,
  mediaS3BucketUrl: setting(httpUrl().optional(), {
    env: 'MEDIA_S3_BUCKET_URL',
    doc: 'the bucket for pictures, of S3 or anything that speaks it: https://s3.example.org/pictures, or https://pictures.s3.example.org',
  }),
  mediaS3PublicUrl: setting(httpUrl().optional(), {
    env: 'MEDIA_S3_PUBLIC_URL',
    doc: 'the same bucket as clients find it, where that is elsewhere',
  }),
  mediaS3Region: setting(z.string().default('us-east-1'), {
    env: 'MEDIA_S3_REGION',
    doc: 'the region that requests to the bucket are signed for',
  }),
  mediaS3AccessKeyId: setting(z.string().optional(), {
    env: 'MEDIA_S3_ACCESS_KEY_ID',
    doc: 'who reads, writes and removes in the bucket',
  }),
  mediaS3SecretAccessKey: setting(z.string().optional(), {
    env: 'MEDIA_S3_SECRET_ACCESS_KEY',
    doc: 'the secret of that key',
    secret: true,
  }),
  mediaFolder: setting(z.string().optional(), {
    env: 'MEDIA_FOLDER',
    doc: 'in place of a bucket: a folder for pictures that all processes of the service share; not in production',
  }),
  mediaFolderSecret: setting(secretText().optional(), {
    env: 'MEDIA_FOLDER_SECRET',
    doc: 'signs the URLs of what is in the folder',
    secret: true,
  }),
  mediaFolderMostMb: setting(integer(1, 1_000_000).default(2_048), {
    env: 'MEDIA_FOLDER_MOST_MB',
    doc: 'how large the folder may become, in MiB',
  }),
};

export type MediaStoreConfig =
  | { kind: 'none' }
  | { kind: 'folder'; folder: string; secret: string; mostBytes: number }
  | ({ kind: 's3' } & S3Options);

function mediaStore(config: Config<typeof given>): MediaStoreConfig {
  const { mediaS3BucketUrl: bucketUrl, mediaFolder: folder, mediaFolderSecret: secret } = config;
  if (bucketUrl !== undefined && folder !== undefined)
    throw new Error('MEDIA_S3_BUCKET_URL and MEDIA_FOLDER are both set: keep one');
  if (folder !== undefined) {
    if (config.environment === 'production')
      throw new Error('MEDIA_FOLDER is for development: in production set MEDIA_S3_BUCKET_URL');
    if (secret === undefined) throw new Error('MEDIA_FOLDER needs MEDIA_FOLDER_SECRET');
    return { kind: 'folder', folder, secret, mostBytes: config.mediaFolderMostMb * 1024 * 1024 };
  }
  if (bucketUrl === undefined) return { kind: 'none' };
  const { mediaS3AccessKeyId: accessKeyId, mediaS3SecretAccessKey: secretAccessKey } = config;
  if (accessKeyId === undefined || secretAccessKey === undefined)
    throw new Error('MEDIA_S3_BUCKET_URL needs MEDIA_S3_ACCESS_KEY_ID and MEDIA_S3_SECRET_ACCESS_KEY');
  const { mediaS3PublicUrl: publicUrl, mediaS3Region: region } = config;
  return { kind: 's3', bucketUrl, publicUrl, region, accessKeyId, secretAccessKey };
}

/** Where pictures are; without any of them there are none. */
export const mediaSettings = { ...given, mediaStore: derived(given, mediaStore) };
