// Smoke: for ten seconds, four clients send good images in every way that is accepted, while another sends broken
// ones. Every reply is checked; good ones must also be quick.

import encoding from 'k6/encoding';
import http from 'k6/http';
import { check } from 'k6';
import { BASE_URL, classify, stillReady } from './lib/client.js';
import { photograph } from './lib/pictures.js';
import { rightProblem, rightReply } from './lib/replies.js';

export const options = {
  scenarios: {
    good: { executor: 'constant-vus', vus: 4, duration: '10s', exec: 'good' },
    broken: { executor: 'constant-vus', vus: 1, duration: '10s', exec: 'broken' },
  },
  thresholds: {
    checks: ['rate==1'],
    http_req_failed: ['rate==0'],
    // Far above what a light model needs on two cores: it catches a stall, not a slow machine.
    'http_req_duration{status:200}': ['p(95)<500'],
    'checks{scenario:good}': ['rate==1'],
    'http_reqs{status:200}': ['count>=100'],
    'http_reqs{status:422}': ['count>=10'],
  },
};

const cat = photograph('cat');
const coffee = photograph('coffee');
const catAsJson = JSON.stringify({ image: encoding.b64encode(cat) });

export function good() {
  const raw = classify(cat, 'image/jpeg');
  check(raw, rightReply);
  check(classify(coffee, 'image/jpeg'), rightReply);

  const form = classify({ image: http.file(cat, 'cat.jpg', 'image/jpeg') });
  const base64 = classify(catAsJson, 'application/json');
  check(raw, {
    'a form gives the same answer': (r) => form.body === r.body,
    'base64 JSON gives the same answer': (r) => base64.body === r.body,
  });

  const two = { first: http.file(cat, 'cat.jpg'), second: http.file(coffee, 'coffee.jpg') };
  check(classify(two), { 'two files give two results': (r) => r.json('results').length === 2 });
}

export function broken() {
  check(classify('', 'image/jpeg', 400), rightProblem);
  check(classify('{"image": 7}', 'application/json', 400), rightProblem);
  check(classify('this is no picture', 'text/plain', 415), rightProblem);
  check(classify(cat.slice(0, cat.byteLength / 2), 'image/jpeg', 422), rightProblem);
}

// After all this, the server is still ready, and has counted what it did.
export function teardown() {
  stillReady();
  check(http.get(`${BASE_URL}/metrics`), {
    'the metrics count the requests': (r) => /^normgate_\w+_total(\{[^}]*\})? [1-9]/m.test(r.body),
  });
}
