import { fstatSync, openSync, statSync } from 'node:fs';
import { isatty } from 'node:tty';
import type { ChunkWriter } from './chunk-writer';
import { FileWriter, type FileSource } from './file-writer';
import { PipeWriter } from './pipe-writer';
import { RotatingFile, type RotationOptions } from './rotating-file';

const STANDARD: Record<string, 1 | 2> = { stdout: 1, stderr: 2, '/dev/stdout': 1, '/dev/stderr': 2 };

/** A descriptor that stays the same: what others have opened, or what must not be renamed. */
function fixed(fd: number): FileSource {
  let given = false;
  return {
    next() {
      const first = !given;
      given = true;
      return first ? fd : undefined;
    },
  };
}

/** Opens what `LOG_OUTPUT` names: 'stdout', 'stderr', or a file. Only regular files rotate. */
export function openOutput(output: string, rotation?: RotationOptions): ChunkWriter {
  const standard = STANDARD[output];
  if (standard !== undefined)
    return fstatSync(standard).isFile() ? new FileWriter(fixed(standard)) : new PipeWriter(standard);
  const stat = statSync(output, { throwIfNoEntry: false });
  if (stat && !stat.isFile()) return new FileWriter(fixed(openSync(output, 'a')));
  return new FileWriter(new RotatingFile(output, rotation));
}

/** Whether people look at the output, so that colours help. */
export function isTerminal(output: string): boolean {
  const standard = STANDARD[output];
  return standard !== undefined && isatty(standard);
}
