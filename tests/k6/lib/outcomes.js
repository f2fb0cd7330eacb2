// The one request of all scenarios that are about capacity, and what becomes of it.
//
// The image is small in bytes and costly to decode, so that the server is at its limit while k6 is far from its own.
// Replies are counted by their status; their bodies are thrown away unread.

import { check } from 'k6';
import { Counter } from 'k6/metrics';
import { classify } from './client.js';
import { generated } from './pictures.js';
import { saysWhenToRetry } from './replies.js';

const picture = generated('laborious.png');

const outcomes = {
  200: new Counter('answered'),
  429: new Counter('refused'),
  504: new Counter('expired'),
};
const due = Object.keys(outcomes).map(Number);

// Any other outcome is a failed request.
export function sendOne() {
  const reply = classify(picture, 'image/png', due);
  if (outcomes[reply.status]) outcomes[reply.status].add(1);
  if (reply.status === 429) check(reply, { 'a refusal says when to come back': saysWhenToRetry });
  return reply;
}

export const onlyKnownOutcomes = {
  http_req_failed: ['rate==0'],
  checks: ['rate==1'],
};
