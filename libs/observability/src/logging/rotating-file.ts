import {
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  type Stats,
} from 'node:fs';
import path from 'node:path';
import type { FileSource } from './file-writer';

const DAY_MS = 24 * 60 * 60 * 1000;

export interface RotationOptions {
  /** Days that a finished file is kept. Default 30. */
  retentionDays?: number;
  /** A file that would grow beyond this is finished before its day is over. Default 256 MiB. */
  maxFileBytes?: number;
  /** The most that all finished files together may hold; the oldest go first. Default 8 GiB. */
  maxTotalBytes?: number;
}

const defaults: Required<RotationOptions> = {
  retentionDays: 30,
  maxFileBytes: 256 * 1024 * 1024,
  maxTotalBytes: 8 * 1024 * 1024 * 1024,
};

interface FinishedFile {
  file: string;
  day: string;
  part: number;
  bytes: number;
}

const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

/**
 * `posts.log` is written to; at the turn of the day (UTC) or when it is too big it is renamed to
 * `posts.2026-11-20.log`, then `posts.2026-11-20.1.log`, and old ones are deleted.
 */
export class RotatingFile implements FileSource {
  private readonly limits: Required<RotationOptions>;
  private fd: number | undefined;
  private day = '';
  private bytes = 0;

  constructor(
    private readonly file: string,
    options: RotationOptions = {},
    private readonly now: () => number = Date.now,
  ) {
    this.limits = { ...defaults, ...options };
    mkdirSync(path.dirname(file), { recursive: true });
    const left = this.statOf(file);
    if (left && dayOf(left.mtimeMs) !== dayOf(now())) this.finish(dayOf(left.mtimeMs));
    this.pending = this.open();
    this.deleteOld();
  }

  /** A descriptor that has been opened and not yet been given out. */
  private pending: number | undefined;

  next(bytes: number): number | undefined {
    const today = dayOf(this.now());
    if (today !== this.day || (this.bytes > 0 && this.bytes + bytes > this.limits.maxFileBytes))
      this.rotate();
    this.bytes += bytes;
    const { pending } = this;
    this.pending = undefined;
    return pending;
  }

  private rotate(): void {
    try {
      if (this.isOurs()) this.finish(this.day);
      this.pending = this.open();
      this.deleteOld();
    } catch {
      // A folder that lost its permissions must not cost the lines: the old file goes on.
      this.day = dayOf(this.now());
      this.bytes = 0;
    }
  }

  /** Another process may write to the same path and have rotated it already. */
  private isOurs(): boolean {
    if (this.fd === undefined) return false;
    return this.statOf(this.file)?.ino === fstatSync(this.fd).ino;
  }

  private open(): number {
    const fd = openSync(this.file, 'a', 0o640);
    this.fd = fd;
    this.bytes = fstatSync(fd).size;
    this.day = dayOf(this.now());
    return fd;
  }

  private finish(day: string): void {
    const { dir, name, ext } = path.parse(this.file);
    const parts = this.finishedFiles().filter((one) => one.day === day);
    const suffix = parts[0] === undefined ? '' : `.${parts[0].part + 1}`;
    renameSync(this.file, path.join(dir, `${name}.${day}${suffix}${ext}`));
  }

  private deleteOld(): void {
    const oldest = dayOf(this.now() - this.limits.retentionDays * DAY_MS);
    let total = 0;
    for (const { file, day, bytes } of this.finishedFiles()) {
      total += bytes;
      if (day < oldest || total > this.limits.maxTotalBytes) rmSync(file, { force: true });
    }
  }

  /** Newest first. */
  private finishedFiles(): FinishedFile[] {
    const { dir, name, ext } = path.parse(this.file);
    const found: FinishedFile[] = [];
    for (const entry of readdirSync(dir || '.')) {
      if (!entry.startsWith(`${name}.`) || !entry.endsWith(ext)) continue;
      const middle = entry.slice(name.length + 1, entry.length - ext.length);
      const [, day, part = '0'] = /^(\d{4}-\d\d-\d\d)(?:\.(\d+))?$/.exec(middle) ?? [];
      const file = path.join(dir, entry);
      const stat = day === undefined ? undefined : this.statOf(file);
      if (day !== undefined && stat) found.push({ file, day, part: Number(part), bytes: stat.size });
    }
    return found.sort((a, b) => b.day.localeCompare(a.day) || b.part - a.part);
  }

  private statOf(file: string): Stats | undefined {
    return statSync(file, { throwIfNoEntry: false });
  }
}
