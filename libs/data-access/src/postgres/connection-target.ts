import { readFileSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';
import type { ClientConfig } from 'pg';

/** How far a connection is protected, in the words of libpq: from not at all to against a server that only pretends. */
export type TlsMode = 'disable' | 'require' | 'verify-ca' | 'verify-full';

export const tlsModes: readonly TlsMode[] = ['disable', 'require', 'verify-ca', 'verify-full'];

export interface TlsOptions {
  /** Without it the URL's `sslmode` holds, and without that one there is no TLS. */
  mode?: TlsMode | undefined;
  /** The certificates (PEM) of the authorities that are trusted, in place of those that the runtime knows. */
  ca?: string | undefined;
}

/** Parameters of libpq's URLs that say how to protect a connection. The driver reads some of them otherwise than libpq. */
const tlsParameters = ['ssl', 'sslmode', 'sslrootcert', 'sslcert', 'sslkey', 'uselibpqcompat'];

/** What a URL and the TLS settings mean to the driver. */
export function connectionTarget(url: string, tls: TlsOptions = {}): ClientConfig {
  const plain = new URL(url);
  const given = new Map(tlsParameters.map((name) => [name, plain.searchParams.get(name) ?? undefined]));
  for (const name of tlsParameters) plain.searchParams.delete(name);
  return { connectionString: plain.href, ssl: tlsOf(given, tls) };
}

function tlsOf(given: Map<string, string | undefined>, tls: TlsOptions): false | ConnectionOptions {
  const mode = modeOf(given, tls);
  if (mode === 'disable') return false;
  const rootFile = given.get('sslrootcert');
  // libpq's way to ask for the authorities that the system trusts.
  const ca = tls.ca ?? (rootFile && rootFile !== 'system' ? readFileSync(rootFile, 'utf8') : undefined);
  const identity = { ...fileOption('cert', given.get('sslcert')), ...fileOption('key', given.get('sslkey')) };
  const trust = { ...identity, ...(ca !== undefined && { ca }) };
  if (mode === 'verify-full') return trust;
  // As with libpq, `require` checks the certificate when it is told which authority to trust.
  if (mode === 'require' && ca === undefined) return { ...trust, rejectUnauthorized: false };
  if (ca === undefined) {
    throw new Error(
      'verify-ca takes any server that the authority has certified, so it must be one of your own: name it ' +
        '(DATABASE_TLS_CA_FILE, or sslrootcert in the URL), or use verify-full',
    );
  }
  return { ...trust, checkServerIdentity: () => undefined };
}

function modeOf(given: Map<string, string | undefined>, { mode }: TlsOptions): TlsMode {
  const inUrl = given.get('sslmode');
  if (inUrl !== undefined && !tlsModes.includes(inUrl as TlsMode)) {
    throw new Error(`sslmode=${inUrl} is not known here: use ${tlsModes.join(', ')}`);
  }
  if (mode !== undefined && inUrl !== undefined && mode !== inUrl) {
    throw new Error(`The settings ask for TLS mode ${mode}, but the URL says sslmode=${inUrl}: keep one`);
  }
  if (mode ?? inUrl) return (mode ?? inUrl) as TlsMode;
  return given.get('ssl') === 'true' ? 'verify-full' : 'disable';
}

function fileOption(name: 'cert' | 'key', file: string | undefined): ConnectionOptions {
  return file === undefined ? {} : { [name]: readFileSync(file, 'utf8') };
}
