// Overload: ten times what the server can do. It goes on doing 90 % of what it can, answers what it has accepted
// within the deadline, refuses the rest at once, and is itself again a second later.

import exec from 'k6/execution';
import { Counter } from 'k6/metrics';
import { allAnswered, arrivals, sent } from './lib/arrivals.js';
import { CAPACITY, DEADLINE_MS } from './lib/capacity.js';
import { stillReady } from './lib/client.js';
import { noteGrowth, resident } from './lib/memory.js';
import { onlyKnownOutcomes, sendOne } from './lib/outcomes.js';
import { inSeconds } from './lib/units.js';

const TIMES = 10;
const seconds = inSeconds(__ENV.DURATION || '20s');
const [RECOVERY, AFTER] = [1, 5];

export const options = {
  discardResponseBodies: true,
  scenarios: {
    overload: { ...arrivals(TIMES, seconds, 0, 400), exec: 'overload' },
    after: { ...arrivals(0.5, AFTER, seconds + RECOVERY), exec: 'after' },
  },
  thresholds: {
    ...onlyKnownOutcomes,
    ...sent(0.9, 'overload', TIMES, seconds),
    answered_in_time: [`count>=${Math.floor(0.9 * CAPACITY * seconds)}`],
    'http_req_duration{status:200}': [`p(99)<${DEADLINE_MS}`],
    'http_req_duration{status:429}': [`med<${DEADLINE_MS / 10}`],
    'refused{scenario:overload}': ['count>0'],
    'expired{scenario:overload}': ['count==0'],
    // Hundreds of connections and a full queue need some memory; a leak in each request would be far more.
    memory_growth: ['max<1.5'],
    ...allAnswered('after', 0.5, AFTER),
  },
};

const inTime = new Counter('answered_in_time');

export function setup() {
  return { resident: resident() };
}

export function overload() {
  const reply = sendOne();
  const elapsed = (Date.now() - exec.scenario.startTime) / 1000;
  if (reply.status === 200 && elapsed < seconds) inTime.add(1);
}

export const after = sendOne;

export function teardown(before) {
  noteGrowth(before.resident, resident());
  stillReady();
}
