import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { generate } from 'selfsigned';
import { dataDir } from '../native/workspace.mjs';

const dayMs = 86_400_000;
const validDays = 365;
const renewBeforeDays = 14;

/** A certificate for this machine's own names, made anew when it is about to end: `{ certFile, keyFile }`. */
export async function developmentCertificate(folder = path.join(dataDir, 'certs')) {
  const files = {
    certFile: path.join(folder, 'localhost.pem'),
    keyFile: path.join(folder, 'localhost-key.pem'),
  };
  if (isGood(files)) return files;
  const { cert, private: key } = await generate([{ name: 'commonName', value: 'localhost' }], {
    keyType: 'ec',
    curve: 'P-256',
    algorithm: 'sha256',
    notBeforeDate: new Date(Date.now() - dayMs),
    notAfterDate: new Date(Date.now() + validDays * dayMs),
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', digitalSignature: true, keyCertSign: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: 'localhost' },
          { type: 7, ip: '127.0.0.1' },
          { type: 7, ip: '::1' },
        ],
      },
    ],
  });
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
  fs.writeFileSync(files.keyFile, key, { mode: 0o600 });
  fs.writeFileSync(files.certFile, cert);
  return files;
}

function isGood({ certFile, keyFile }) {
  try {
    const certificate = new crypto.X509Certificate(fs.readFileSync(certFile));
    const key = crypto.createPrivateKey(fs.readFileSync(keyFile));
    return certificate.checkPrivateKey(key) && certificate.validToDate > Date.now() + renewBeforeDays * dayMs;
  } catch {
    return false;
  }
}
