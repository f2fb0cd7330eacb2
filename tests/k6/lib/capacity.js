// What the server can do: answers a second with all its clients waiting, and milliseconds for a client that is alone.
// scripts/k6 runs capacity.js just before the scenarios that need it.

import { inSeconds } from './units.js';

function measured(name) {
  const value = Number(__ENV[name]);
  if (!(value > 0)) throw new Error(`set ${name}, which tests/k6/capacity.js measures; scripts/k6 does both`);
  return value;
}

export const CAPACITY = measured('CAPACITY');
export const ALONE_MS = measured('ALONE_MS');

// The server's own --deadline.
export const DEADLINE_MS = 1000 * inSeconds(__ENV.NORMGATE_DEADLINE || '10s');

// Requests a second that are this share of the capacity.
export const share = (part) => Math.max(1, Math.round(part * CAPACITY));
