// What every scenario shares: the server's address, the pictures, and what a right reply looks like.

import http from 'k6/http';

export const BASE_URL = __ENV.BASE_URL || 'http://127.0.0.1:8080';

export const cat = open('../../../docs/images/cat.jpg', 'b');
export const coffee = open('../../../docs/images/coffee.jpg', 'b');

export function classify(body, contentType, expected = 200) {
  return http.post(`${BASE_URL}/classify`, body, {
    headers: contentType ? { 'content-type': contentType } : {},
    // Only an answer other than the one that is due counts as a failed request.
    responseCallback: http.expectedStatuses(expected),
  });
}

const isShare = (value) => typeof value === 'number' && value >= 0 && value <= 1;

// Each a check by name; all of them hold for every 200 of /classify with one image.
export const rightReply = {
  'the reply is JSON': (r) => r.headers['Content-Type'].startsWith('application/json'),
  'it has a label of the model': (r) => {
    const { label, class_index: index, top } = r.json();
    return typeof label === 'string' && index >= 0 && top[0].label === label;
  },
  'its probabilities fall from the confidence down': (r) => {
    const { confidence, top } = r.json();
    const shares = top.map((entry) => entry.probability);
    return shares[0] === confidence && shares.every((p, i) => isShare(p) && (i === 0 || p <= shares[i - 1]));
  },
  'is_ood says whether the score passed the threshold': (r) => {
    const { is_ood: flagged, ood } = r.json();
    return flagged === ood.score > ood.threshold && isShare(ood.p_value);
  },
  'it names the model': (r) => r.json('model.name') !== '' && r.json('model.version') !== '',
  'it has a request id': (r) => r.headers['X-Request-Id'] !== undefined,
};

// The checks of an error: an RFC 9457 problem that says what was wrong.
export const rightProblem = {
  'it repeats its status': (r) => r.json('status') === r.status,
  'the error is problem+json': (r) => r.headers['Content-Type'] === 'application/problem+json',
  'it has a type, a title and a detail': (r) =>
    ['type', 'title', 'detail'].every((field) => typeof r.json(field) === 'string' && r.json(field) !== ''),
};
