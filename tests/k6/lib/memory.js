// Whether the server's memory stays flat: what it has at the end as a multiple of what it had before.

import { Trend } from 'k6/metrics';
import { metric } from './client.js';

const growth = new Trend('memory_growth');

export const resident = () => metric('process_resident_memory_bytes');

export const noteGrowth = (before, after) => growth.add(after / before);
