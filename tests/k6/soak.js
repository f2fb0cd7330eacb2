// Soak: every kind of request for half an hour, while the model is replaced every few seconds. Each gets the answer
// that it should get all the while, and the server's memory does not grow.

import { check, sleep } from 'k6';
import exec from 'k6/execution';
import { metric, stillReady } from './lib/client.js';
import { broken, huge, photos, seen, send, small } from './lib/kinds.js';
import { noteGrowth, resident } from './lib/memory.js';
import { inSeconds } from './lib/units.js';

const seconds = inSeconds(__ENV.DURATION || '30m');
const ordinary = [...small, ...photos, ...small, ...broken];
const clients = (exec, vus) => ({ executor: 'constant-vus', exec, vus, duration: `${seconds}s` });

export const options = {
  scenarios: {
    ordinary: clients('sendOrdinary', 4),
    huge: clients('sendHuge', 1),
    memory: {
      executor: 'per-vu-iterations',
      exec: 'watchMemory',
      vus: 1,
      iterations: 1,
      maxDuration: `${seconds + 60}s`,
    },
  },
  thresholds: {
    checks: ['rate==1'],
    http_req_failed: ['rate==0'],
    // An empty trend has 0: then nothing was measured.
    memory_growth: ['max<1.1', 'min>0'],
    ...seen([...small, ...photos, ...broken], Math.ceil(seconds / 5)),
    ...seen(huge, Math.ceil(seconds / 30)),
  },
};

// Each client starts at another place in the list, so that all kinds meet.
export function sendOrdinary() {
  send(ordinary[(exec.vu.iterationInScenario + 5 * exec.vu.idInTest) % ordinary.length]);
  sleep(0.02);
}

export function sendHuge() {
  send(huge[exec.vu.iterationInScenario % huge.length]);
  sleep(1);
}

// Compares the least memory that the server had in the second and in the last third of the time. The first third
// warms it up. The least counts, since what is being decoded comes and goes, while what leaks stays.
export function watchMemory() {
  const least = (until) => {
    let bytes = Infinity;
    while (exec.instance.currentTestRunDuration < until * 1000) {
      bytes = Math.min(bytes, resident());
      sleep(Math.min(1, seconds / 60));
    }
    return bytes;
  };
  sleep(seconds / 3);
  noteGrowth(least((2 * seconds) / 3), least(seconds));
}

// How often, in seconds, scripts/k6 replaces the model of its own server.
const RELOADED_EVERY = Number(__ENV.RELOADED_EVERY);

export function teardown() {
  stillReady();
  if (!RELOADED_EVERY) return;
  const reloads = (result) => metric(`normgate_model_reload_total{result="${result}"}`);
  check(null, {
    'the model was replaced all the while': () => reloads('ok') >= Math.floor(seconds / RELOADED_EVERY / 2),
    'and each time well': () => reloads('failed') === 0,
  });
}
