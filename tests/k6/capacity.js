// Capacity: how many images a second the server answers when 32 clients each send the next as soon as they have the
// answer, and how long one takes when it is alone.

import exec from 'k6/execution';
import { Counter, Trend } from 'k6/metrics';
import { onlyKnownOutcomes, sendOne } from './lib/outcomes.js';

const [ALONE, WARM_UP, TOGETHER] = [3, 1, 8];

export const options = {
  discardResponseBodies: true,
  scenarios: {
    alone: { executor: 'constant-vus', exec: 'alone', vus: 1, duration: `${ALONE}s` },
    together: {
      executor: 'constant-vus',
      exec: 'together',
      vus: 32,
      duration: `${WARM_UP + TOGETHER}s`,
      startTime: `${ALONE}s`,
    },
  },
  thresholds: {
    ...onlyKnownOutcomes,
    answered_in_time: ['count>=10'],
    refused: ['count==0'],
    expired: ['count==0'],
  },
};

const time = new Trend('time_alone', true);
const inTime = new Counter('answered_in_time');

export function alone() {
  time.add(sendOne().timings.duration);
}

export function together() {
  const reply = sendOne();
  const elapsed = (Date.now() - exec.scenario.startTime) / 1000;
  if (reply.status === 200 && elapsed >= WARM_UP && elapsed < WARM_UP + TOGETHER) inTime.add(1);
}

// For people, and for scripts/k6 to read.
export function handleSummary({ metrics }) {
  const capacity = metrics.answered_in_time.values.count / TOGETHER;
  const alone = metrics.time_alone.values.med;
  const text = `capacity: ${capacity.toFixed(1)} images a second; one alone takes ${alone.toFixed(2)} ms\n`;
  return { stdout: text, ...(__ENV.CAPACITY_FILE && { [__ENV.CAPACITY_FILE]: `${capacity} ${alone}\n` }) };
}
