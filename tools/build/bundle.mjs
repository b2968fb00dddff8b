import path from 'node:path';
import { build } from 'esbuild';
import { ClearError } from '../native/clear-error.mjs';
import { workspaceRoot } from '../native/workspace.mjs';

/** Our own libraries go into the bundle, packages stay outside: they are installed beside it. */
const packagesOutside = {
  name: 'packages-outside',
  setup(builder) {
    builder.onResolve({ filter: /^[^./]/ }, ({ path: specifier, kind }) => {
      const inside =
        kind === 'entry-point' || specifier.startsWith('@rostrum/') || path.isAbsolute(specifier);
      return inside ? undefined : { path: specifier, external: true };
    });
  },
};

/** Bundles entries (`{ out, in }`) to CommonJS in memory: `{ files: { name: bytes }, metafile }`. */
export async function bundle(entries) {
  const outdir = path.join(workspaceRoot, 'dist/out');
  try {
    const { outputFiles, metafile } = await build({
      absWorkingDir: workspaceRoot,
      entryPoints: entries,
      outdir,
      write: false,
      bundle: true,
      format: 'cjs',
      platform: 'node',
      target: 'node24',
      sourcemap: true,
      sourcesContent: false,
      metafile: true,
      logLevel: 'silent',
      plugins: [packagesOutside],
    });
    const files = outputFiles.map((file) => [path.relative(outdir, file.path), file.contents]);
    return { files: Object.fromEntries(files), metafile };
  } catch (error) {
    throw new ClearError(complaints(error), undefined, { cause: error });
  }
}

function complaints(error) {
  if (!error.errors?.length) return error.message;
  const lines = error.errors.map(({ text, location }) =>
    location ? `${location.file}:${location.line}:${location.column}: ${text}` : text,
  );
  return `The bundle failed.\n${lines.join('\n')}`;
}
