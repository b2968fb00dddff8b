/**
 * A first look under a little load, through the gateway: k6 run k6/smoke.js
 * TOKEN is an access token (`npm run seed` prints how to get one); without it only public routes are asked.
 */
import http from 'k6/http';
import { check } from 'k6';

const url = __ENV.URL || 'https://localhost:8443';
const headers = __ENV.TOKEN ? { Authorization: `Bearer ${__ENV.TOKEN}` } : {};

export const options = {
  insecureSkipTLSVerify: url.startsWith('https://localhost'),
  vus: 10,
  duration: '30s',
  thresholds: { http_req_failed: ['rate<0.001'], http_req_duration: ['p(95)<200'] },
};

export default function smoke() {
  const path = __ENV.TOKEN ? '/api/v1/feed' : '/.well-known/jwks.json';
  const response = http.get(url + path, { headers });
  check(response, {
    'is answered': ({ status }) => status === 200,
    'has a request id': (r) => r.headers['X-Request-Id'] !== undefined,
  });
}
