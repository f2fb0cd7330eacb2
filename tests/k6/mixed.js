// Mixed: everything that a public server meets, at once. Small images flow while photos, broken files and huge images
// come in between; each kind gets the one answer that it should get.

import { sleep } from 'k6';
import exec from 'k6/execution';
import { stillReady } from './lib/client.js';
import { broken, huge, photos, seen, send, small } from './lib/kinds.js';

const duration = __ENV.DURATION || '20s';
const clients = (exec, vus) => ({ executor: 'constant-vus', exec, vus, duration });

export const options = {
  scenarios: {
    small: clients('sendSmall', 2),
    photos: clients('sendPhotos', 2),
    broken: clients('sendBroken', 1),
    huge: clients('sendHuge', 1),
  },
  thresholds: {
    checks: ['rate==1'],
    http_req_failed: ['rate==0'],
    'http_reqs{status:500}': ['count==0'],
    ...seen([...photos, ...broken, ...huge], 2),
    ...seen(small, 100),
    // Far above what they need: it catches small images that wait for huge ones, not a slow machine.
    'http_req_duration{kind:small}': ['p(95)<1000'],
    'server_queue{kind:small}': ['p(95)<500'],
  },
};

const each = (kinds) => send(kinds[exec.vu.iterationInScenario % kinds.length]);

export function sendSmall() {
  each(small);
}

export function sendPhotos() {
  each(photos);
  sleep(0.01);
}

export function sendBroken() {
  each(broken);
  sleep(0.02);
}

export function sendHuge() {
  each(huge);
  sleep(0.2);
}

export const teardown = stillReady;
