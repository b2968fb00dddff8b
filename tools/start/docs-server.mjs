/**
 * The API reference of development: Swagger UI from npm over the committed OpenAPI documents, behind the gateway's
 * /docs. It loads nothing from anywhere else.
 */
import { createReadStream, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '../..');
const assets = path.dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
const services = ['auth', 'posts', 'realtime'];

const headers = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cache-Control': 'no-cache',
};

const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Rostrum API</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="/docs/favicon-32x32.png">
<link rel="stylesheet" href="/docs/swagger-ui.css">
<link rel="stylesheet" href="/docs/index.css">
</head>
<body>
<div id="reference"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/swagger-ui-standalone-preset.js"></script>
<script src="/docs/reference.js"></script>
</body>
</html>
`;

const script = `SwaggerUIBundle({
  dom_id: '#reference',
  urls: ${JSON.stringify(services.map((service) => ({ name: service, url: `/docs/openapi/${service}.json` })))},
  presets: [SwaggerUIBundle.presets.apis, SwaggerUIStandalonePreset],
  layout: 'StandaloneLayout',
  deepLinking: true,
  persistAuthorization: false,
  validatorUrl: null,
});
`;

const types = {
  '.css': 'text/css',
  '.js': 'text/javascript',
  '.png': 'image/png',
  '.json': 'application/json',
};

const made = new Map([
  ['/docs', ['text/html; charset=utf-8', () => page]],
  ['/docs/', ['text/html; charset=utf-8', () => page]],
  ['/docs/reference.js', ['text/javascript', () => script]],
  ...services.map((service) => [
    `/docs/openapi/${service}.json`,
    ['application/json', () => readFileSync(path.join(root, `docs/openapi/${service}.json`))],
  ]),
]);

const files = new Set([
  'swagger-ui.css',
  'index.css',
  'swagger-ui-bundle.js',
  'swagger-ui-standalone-preset.js',
  'favicon-32x32.png',
]);

/** Starts the page's server on the loopback; resolves with its port and how to close it. */
export async function startDocsServer({ port = 8095 } = {}) {
  const server = createServer(answer);
  await new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return {
    port: server.address().port,
    stop: () =>
      new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      }),
  };
}

function answer(request, response) {
  const { pathname } = new URL(request.url, 'http://docs');
  const ready = made.get(pathname);
  const file = pathname.slice('/docs/'.length);
  if (request.method !== 'GET' && request.method !== 'HEAD') return refuse(response, 405);
  if (ready) {
    response.writeHead(200, { ...headers, 'Content-Type': ready[0] }).end(ready[1]());
    return undefined;
  }
  if (!files.has(file)) return refuse(response, 404);
  response.writeHead(200, { ...headers, 'Content-Type': types[path.extname(file)] });
  return createReadStream(path.join(assets, file)).pipe(response);
}

function refuse(response, status) {
  response.writeHead(status, { ...headers, 'Content-Type': 'text/plain' }).end(`${status}\n`);
}
