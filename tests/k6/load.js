// Load: 70 % of what the server can do, steadily. Everything is answered, and no queue builds up.

import { stillReady } from './lib/client.js';
import { allAnswered, arrivals, sent } from './lib/arrivals.js';
import { onlyKnownOutcomes, sendOne } from './lib/outcomes.js';
import { inSeconds } from './lib/units.js';

const SHARE = 0.7;
const seconds = inSeconds(__ENV.DURATION || '60s');

export const options = {
  discardResponseBodies: true,
  scenarios: { load: arrivals(SHARE, seconds) },
  thresholds: {
    ...onlyKnownOutcomes,
    ...sent(0.9, 'load', SHARE, seconds),
    ...allAnswered('load', SHARE, seconds),
  },
};

export default sendOne;

export const teardown = stillReady;
