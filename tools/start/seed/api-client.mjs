import http from 'node:http';
import https from 'node:https';
import { setTimeout as delay } from 'node:timers/promises';
import { ClearError } from '../../native/clear-error.mjs';

const requestLimitMs = 10_000;
const patienceMs = 120_000;

/**
 * The public API over one kept connection: `call(method, path, { body?, token? })` → `{ status, body }`. A service
 * that asks to be left alone for a moment (429, 503) gets it.
 */
export function createApiClient({ url, ca, log }) {
  const base = new URL(url);
  const { request, Agent } = base.protocol === 'http:' ? http : https;
  const agent = new Agent({ keepAlive: true, ...(ca && { ca }) });

  const send = (method, path, { body, token } = {}) =>
    new Promise((resolve, reject) => {
      const text = body && JSON.stringify(body);
      const headers = {
        accept: 'application/json',
        ...(text && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
        ...(token && { authorization: `Bearer ${token}` }),
      };
      const outgoing = request(new URL(path, base), { method, agent, headers, timeout: requestLimitMs });
      outgoing.once('timeout', () => outgoing.destroy(new Error(`no answer within ${requestLimitMs} ms`)));
      outgoing.once('error', reject);
      outgoing.once('response', (response) => readAnswer(response).then(resolve, reject));
      outgoing.end(text);
    });

  const call = async (method, path, options) => {
    const givesUpAt = Date.now() + patienceMs;
    for (;;) {
      const answer = await send(method, path, options).catch((error) => fail(base, error));
      const seconds = Number(answer.retryAfter ?? 1);
      const mayRetry = answer.status === 429 || answer.status === 503;
      if (!mayRetry || Date.now() + seconds * 1000 > givesUpAt) return answer;
      log(`${path} asks to wait ${seconds} s (${answer.status})`);
      await delay(seconds * 1000);
    }
  };
  return { call, close: () => agent.destroy() };
}

async function readAnswer(response) {
  const chunks = [];
  for await (const chunk of response) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString();
  const isJson = /json/.test(response.headers['content-type'] ?? '');
  return {
    status: response.statusCode,
    retryAfter: response.headers['retry-after'],
    body: isJson && text ? JSON.parse(text) : undefined,
  };
}

function fail({ origin }, error) {
  const mend = /CERT|SIGNATURE|TLS|SSL/.test(String(error.code))
    ? 'Name the certificate to trust with --ca.'
    : 'Is it running? `npm start` brings it up.';
  throw new ClearError(`${origin} cannot be reached: ${error.code ?? error.message}.`, mend, {
    cause: error,
  });
}
