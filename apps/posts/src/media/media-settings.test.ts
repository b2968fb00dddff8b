import { readConfig } from '@rostrum/config';
import { mediaSettings } from './media-settings';

const bucket = {
  MEDIA_S3_BUCKET_URL: 'https://s3.example.org/pictures',
  MEDIA_S3_ACCESS_KEY_ID: 'AK',
  MEDIA_S3_SECRET_ACCESS_KEY: 'secret',
};
const folder = { MEDIA_FOLDER: '/tmp/pictures', MEDIA_FOLDER_SECRET: 'm'.repeat(32) };
const read = (environment: Record<string, string>) => readConfig(mediaSettings, environment).mediaStore;

it('pictures are in a bucket, or in a folder, or nowhere', () => {
  expect(read({})).toEqual({ kind: 'none' });
  expect(read(bucket)).toEqual({
    kind: 's3',
    bucketUrl: bucket.MEDIA_S3_BUCKET_URL,
    publicUrl: undefined,
    region: 'us-east-1',
    accessKeyId: 'AK',
    secretAccessKey: 'secret',
  });
  expect(read({ ...folder, ENVIRONMENT: 'development', MEDIA_FOLDER_MOST_MB: '1' })).toEqual({
    kind: 'folder',
    folder: '/tmp/pictures',
    secret: 'm'.repeat(32),
    mostBytes: 1024 * 1024,
  });
});

it.each([
  ['both at once', { ...bucket, ...folder, ENVIRONMENT: 'test' }, /both set/],
  ['a folder in production', folder, /for development/],
  ['a folder without a secret', { MEDIA_FOLDER: '/tmp/x', ENVIRONMENT: 'test' }, /MEDIA_FOLDER_SECRET/],
  [
    'a secret that can be guessed',
    { ...folder, MEDIA_FOLDER_SECRET: 'short', ENVIRONMENT: 'test' },
    /32 characters/,
  ],
  ['a bucket without a key', { MEDIA_S3_BUCKET_URL: bucket.MEDIA_S3_BUCKET_URL }, /MEDIA_S3_ACCESS_KEY_ID/],
  ['a bucket that is no URL', { ...bucket, MEDIA_S3_BUCKET_URL: 'pictures' }, /MEDIA_S3_BUCKET_URL/],
])('%s is refused at the start', (_, environment, message) => {
  expect(() => read(environment)).toThrow(message);
});

it('no secret has a default', () => {
  const { mediaS3SecretAccessKey, mediaFolderSecret } = readConfig(mediaSettings, {});
  expect([mediaS3SecretAccessKey, mediaFolderSecret]).toEqual([undefined, undefined]);
});
