// Open-loop load: requests come when they come, whether or not the ones before are answered.

import { ALONE_MS, share } from './capacity.js';

// `times` the capacity, for so many `seconds`. A client is busy as long as its request waits in the server: only if
// there are more clients than places in the server are some of them refused.
export const arrivals = (times, seconds, start = 0, clients = 100) => ({
  executor: 'constant-arrival-rate',
  rate: share(times),
  duration: `${seconds}s`,
  startTime: `${start}s`,
  preAllocatedVUs: clients,
});

// What must hold for a scenario that asks for less than the server can do: all of it is sent and answered, and the
// median is nearly as quick as if there were nothing else.
export const allAnswered = (scenario, times, seconds) => ({
  [`answered{scenario:${scenario}}`]: [`count>=${Math.floor(0.99 * share(times) * seconds)}`],
  [`refused{scenario:${scenario}}`]: ['count==0'],
  [`expired{scenario:${scenario}}`]: ['count==0'],
  [`http_req_duration{scenario:${scenario}}`]: [`med<${5 * ALONE_MS}`],
});

// k6 itself has sent at least this part of what it was to send: with less, the run says nothing.
export const sent = (part, scenario, times, seconds) => ({
  [`dropped_iterations{scenario:${scenario}}`]: [`count<${Math.ceil((1 - part) * share(times) * seconds)}`],
});
