import { fstatSync } from 'node:fs';
import { isatty } from 'node:tty';
import type { ChunkWriter } from './chunk-writer';
import { FileWriter } from './file-writer';
import { PipeWriter } from './pipe-writer';
import { RotatingFile, type RotationOptions } from './rotating-file';

/** Opens what `LOG_OUTPUT` names: 'stdout', or a file. */
export function openOutput(output: string, rotation?: RotationOptions): ChunkWriter {
  if (output !== 'stdout') return new FileWriter(new RotatingFile(output, rotation));
  if (!fstatSync(1).isFile()) return new PipeWriter(1);
  let given = false;
  return new FileWriter({
    next: () => {
      if (given) return undefined;
      given = true;
      return 1;
    },
  });
}

/** Whether people look at the output, so that colours help. */
export function isTerminal(output: string): boolean {
  return output === 'stdout' && isatty(1);
}
