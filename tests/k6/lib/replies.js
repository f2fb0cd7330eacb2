// What a right reply looks like: checks by name.

const isText = (value) => typeof value === 'string' && value !== '';
const isShare = (value) => typeof value === 'number' && value >= 0 && value <= 1;

// All of them hold for every 200 of /classify with one image.
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
  'it names the model': (r) => ['name', 'version'].every((field) => isText(r.json(`model.${field}`))),
  'it has a request id': (r) => r.headers['X-Request-Id'] !== undefined,
  'it says where the time went': (r) =>
    /^queue;dur=[\d.]+, decode;dur=[\d.]+, infer;dur=[\d.]+, total;dur=[\d.]+/.test(r.headers['Server-Timing']),
};

// An error is an RFC 9457 problem that says what was wrong.
export const rightProblem = {
  'it repeats its status': (r) => r.json('status') === r.status,
  'the error is problem+json': (r) => r.headers['Content-Type'] === 'application/problem+json',
  'it has a type, a title and a detail': (r) =>
    ['type', 'title', 'detail'].every((field) => isText(r.json(field))),
};

// Whether a refusal says in whole seconds when to come back.
export const saysWhenToRetry = (r) => /^[1-9]\d*$/.test(r.headers['Retry-After'] || '');
