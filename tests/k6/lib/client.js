// How every scenario talks to the server.

import http from 'k6/http';
import { check, sleep } from 'k6';
import { noteTimings } from './timings.js';

export const BASE_URL = __ENV.BASE_URL || 'http://127.0.0.1:8080';

// Only an answer other than `expected` counts as a failed request. `options` may have more headers,
// tags, and a query.
export function classify(body, contentType, expected = 200, { headers = {}, tags = {}, query = '' } = {}) {
  const reply = http.post(`${BASE_URL}/classify${query}`, body, {
    headers: contentType ? { 'content-type': contentType, ...headers } : headers,
    responseCallback: http.expectedStatuses(...[expected].flat()),
    tags,
  });
  noteTimings(reply, tags);
  // No answer at all: the server may be gone, and k6 logs each attempt.
  if (reply.status === 0) sleep(1);
  return reply;
}

// Every scenario's last question.
export function stillReady() {
  check(http.get(`${BASE_URL}/readyz`), { 'still ready': (r) => r.status === 200 });
}

// The value of one of the server's metrics, by its name and labels as /metrics has them.
export function metric(name) {
  const text = http.get(`${BASE_URL}/metrics`, { responseType: 'text' }).body || '';
  const line = text.split('\n').find((l) => l.startsWith(`${name} `));
  if (line === undefined) throw new Error(`the server's /metrics has no ${name}`);
  return Number(line.split(' ')[1]);
}
