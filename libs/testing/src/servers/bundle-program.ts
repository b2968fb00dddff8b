import fs from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';

const root = path.resolve(__dirname, '../../../..');

/**
 * A program of the workspace as one file that Node runs, for tests that kill processes. It is in a folder of its own
 * below `dist`, whence it finds the packages that it needs; whoever asked for it removes the folder.
 */
export async function bundleProgram(entryPoint: string): Promise<{ folder: string; file: string }> {
  fs.mkdirSync(path.join(root, 'dist'), { recursive: true });
  const folder = fs.mkdtempSync(path.join(root, 'dist/test-program-'));
  const file = path.join(folder, 'program.cjs');
  await build({
    entryPoints: [entryPoint],
    outfile: file,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'cjs',
    logLevel: 'error',
    plugins: [
      {
        name: 'packages-outside',
        setup: (builder) =>
          void builder.onResolve({ filter: /^[^./]/ }, ({ path: name, kind }) =>
            kind === 'entry-point' || name.startsWith('@rostrum/')
              ? undefined
              : { path: name, external: true },
          ),
      },
    ],
  });
  return { folder, file };
}
