// Where the server says that the time went: its Server-Timing header as trends of k6.

import { Trend } from 'k6/metrics';

const trends = {
  queue: new Trend('server_queue', true),
  decode: new Trend('server_decode', true),
  infer: new Trend('server_infer', true),
  total: new Trend('server_total', true),
};

const isStage = /(\w+);dur=([\d.]+)/g;

// Only answers with a classification carry the header.
export function noteTimings(reply, tags) {
  const header = reply.headers['Server-Timing'];
  if (header === undefined) return;
  for (const [, stage, milliseconds] of header.matchAll(isStage)) {
    if (trends[stage]) trends[stage].add(Number(milliseconds), tags);
  }
}
