import fs from 'node:fs';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { runCommand } from './child-process.mjs';
import { sha256OfFile } from './file-digest.mjs';

/** A release server that does not answer must cost seconds, since there is another way. */
const answerLimitMs = 5000;
const silenceLimitMs = 15_000;

/** Fetches `{ url, sha256, member }` into the folder and returns the extracted program's path. */
export async function fetchReleaseArchive({ url, sha256, member }, folder, { signal } = {}) {
  const file = path.join(folder, 'archive.tar.gz');
  await download(url, file, signal);
  const found = await sha256OfFile(file);
  if (found !== sha256) throw new Error(`its SHA-256 is ${found}, not the pinned ${sha256}`);
  await runCommand('tar', ['-xzf', file, '-C', folder, member]);
  fs.rmSync(file);
  return path.join(folder, member);
}

async function download(url, file, signal) {
  const limit = new AbortController();
  const timer = setTimeout(
    () => limit.abort(new Error(`no answer within ${answerLimitMs} ms`)),
    answerLimitMs,
  );
  const rearm = () => timer.refresh();
  try {
    const response = await fetch(url, {
      signal: AbortSignal.any([limit.signal, ...(signal ? [signal] : [])]),
    });
    if (!response.ok) throw new Error(`the server answered ${response.status}`);
    clearTimeout(timer);
    const silence = setTimeout(() => limit.abort(new Error('the download stalled')), silenceLimitMs);
    const body = Readable.fromWeb(response.body).on('data', () => silence.refresh());
    await pipeline(body, fs.createWriteStream(file)).finally(() => clearTimeout(silence));
  } finally {
    rearm();
    clearTimeout(timer);
  }
}
