// Stress: the load climbs from half of what the server can do to four times that. It answers what it can and refuses
// the rest; nothing else happens, and it is itself again a second later.

import { allAnswered, arrivals } from './lib/arrivals.js';
import { CAPACITY, share } from './lib/capacity.js';
import { stillReady } from './lib/client.js';
import { onlyKnownOutcomes, sendOne } from './lib/outcomes.js';
import { inSeconds } from './lib/units.js';

// Each step takes a quarter of the time; the last holds.
const STEPS = [1, 2, 4, 4];
const START = 0.5;
const seconds = inSeconds(__ENV.DURATION || '40s');
const [RECOVERY, AFTER] = [1, 5];

// The mean load of each step, and how much of it the server can do on average: both as multiples of the capacity.
const means = STEPS.map((times, i) => (times + (STEPS[i - 1] || START)) / 2);
const doable = means.reduce((sum, mean) => sum + Math.min(1, mean), 0) / STEPS.length;

export const options = {
  discardResponseBodies: true,
  scenarios: {
    climb: {
      executor: 'ramping-arrival-rate',
      startRate: share(START),
      stages: STEPS.map((times) => ({ target: share(times), duration: `${seconds / STEPS.length}s` })),
      preAllocatedVUs: 300,
    },
    after: arrivals(0.5, AFTER, seconds + RECOVERY),
  },
  thresholds: {
    ...onlyKnownOutcomes,
    'refused{scenario:climb}': ['count>0'],
    'answered{scenario:climb}': [`count>=${Math.floor(0.8 * doable * CAPACITY * seconds)}`],
    ...allAnswered('after', 0.5, AFTER),
  },
};

export default sendOne;

export const teardown = stillReady;
