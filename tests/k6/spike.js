// Spike: out of a quiet load, ten times what the server can do for five seconds. Requests before it, and from a
// second after it, are answered as if it had not been.

import { allAnswered, arrivals, sent } from './lib/arrivals.js';
import { stillReady } from './lib/client.js';
import { onlyKnownOutcomes, sendOne } from './lib/outcomes.js';

const [QUIET, TIMES] = [0.5, 10];
const [BEFORE, SPIKE, RECOVERY, AFTER] = [5, 5, 1, 10];

export const options = {
  discardResponseBodies: true,
  scenarios: {
    before: arrivals(QUIET, BEFORE),
    spike: arrivals(TIMES, SPIKE, BEFORE, 400),
    after: arrivals(QUIET, AFTER, BEFORE + SPIKE + RECOVERY),
  },
  thresholds: {
    ...onlyKnownOutcomes,
    ...allAnswered('before', QUIET, BEFORE),
    // The first second passes before all of k6's clients have a connection.
    ...sent(0.5, 'spike', TIMES, SPIKE),
    'refused{scenario:spike}': ['count>0'],
    'answered{scenario:spike}': ['count>0'],
    ...allAnswered('after', QUIET, AFTER),
  },
};

export default sendOne;

export const teardown = stillReady;
