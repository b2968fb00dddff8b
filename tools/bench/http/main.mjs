/** npm run bench:http — what the whole kit costs, beside bare node:http and bare Express, and what each part of it costs. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { bundle } from '../../build/bundle.mjs';
import { compare } from '../compare.mjs';

const { values } = parseArgs({
  options: {
    help: { type: 'boolean' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '4' },
    only: { type: 'string' },
  },
});
if (values.help) {
  console.log(`npm run bench:http [-- --rounds 5 --seconds 4 --only <text>]

Compares bare node:http, bare Express 5 and a route with the whole kit, then turns each part of the kit off in turn.
--only runs the floor and the variants whose name contains the text.`);
  process.exit(0);
}

const root = path.resolve(import.meta.dirname, '../../..');
const outdir = path.join(root, 'dist/bench/http');
const { files } = await bundle(
  ['node-http', 'bare-express', 'lean-express', 'kit-server'].map((name) => ({
    in: path.join(import.meta.dirname, `${name}.ts`),
    out: name,
  })),
);
mkdirSync(outdir, { recursive: true });
for (const [name, bytes] of Object.entries(files)) writeFileSync(path.join(outdir, name), bytes);

const server = (file) => [path.join(outdir, `${file}.js`)];
const kit = (name, off = '') => ({
  name,
  args: server('kit-server'),
  env: { BENCH_OFF: off },
  path: '/api/v1/posts/0190b5a0-0000-7000-8000-000000000000',
  headers: { authorization: 'Bearer bench' },
});
const plain = (name, file) => ({
  name,
  args: server(file),
  path: '/api/v1/posts/0190b5a0-0000-7000-8000-000000000000',
});

const variants = [
  plain('node:http', 'node-http'),
  { ...plain('bare Express 5, res.json', 'bare-express'), floor: true },
  plain('lean Express 5, res.end', 'lean-express'),
  kit('the whole kit'),
  kit('  without security headers', 'headers'),
  kit('  without access lines', 'log'),
  kit('  without metrics', 'metrics'),
  kit('  without traces', 'traces'),
  kit('  without validation', 'validation'),
  kit('  without the token check', 'token'),
  kit('  without any of these', 'headers,log,metrics,traces,validation,token'),
];

await compare({
  title: 'A GET that answers 600 bytes of JSON, no I/O',
  variants: values.only
    ? variants.filter(({ floor, name }) => floor || name.includes(values.only))
    : variants,
  rounds: Number(values.rounds),
  seconds: Number(values.seconds),
});
console.log(`
ratio: to bare Express in the same round. The kit has on: 12 security headers, request id, context, validation of the
path, access token (verified once, then remembered), one JSON access line per request (unsampled, to a
file), histogram and counter, 10 % of requests traced through the OpenTelemetry SDK.`);
