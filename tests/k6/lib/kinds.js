// Every kind of request that a public server meets, and the status that it should get.
//
// Each is a name, a way to send it, and what else must hold for the reply.

import encoding from 'k6/encoding';
import http from 'k6/http';
import { check } from 'k6';
import { classify } from './client.js';
import { generated, photograph } from './pictures.js';
import { rightProblem, rightReply } from './replies.js';

const cat = photograph('cat');
const coffee = photograph('coffee');
const noise = generated('noise.png');
const photo = generated('photo.jpg');
const bomb = generated('bomb.png');

const half = (file) => file.slice(0, file.byteLength / 2);
const json = (file) => JSON.stringify({ image: encoding.b64encode(file) });

function damaged(file) {
  const bytes = new Uint8Array(file.slice(0));
  bytes.fill(0, bytes.length / 2, bytes.length / 2 + 64);
  return bytes.buffer;
}

const within = (time) => ({ headers: { 'x-request-timeout': time } });

// Which images are OOD is known only for the shipped model.
const verdict = (flagged) => ({
  [flagged ? 'an OOD image is flagged' : 'an ID image is not flagged']: (r) =>
    r.json('model.name') !== 'cifar10-lt' || r.json('is_ood') === flagged,
});

const right = (name, body, type, also, options) => ({
  name,
  status: 200,
  body,
  type,
  options,
  checks: { ...rightReply, ...also },
});

const wrong = (name, status, body, type, options) => ({
  name,
  status,
  body,
  type,
  options,
  checks: rightProblem,
});

export const small = [right('small', noise, 'image/png', verdict(true))];

export const photos = [
  right('photo', cat, 'image/jpeg', verdict(false)),
  right('wrong type declared', cat, 'image/png', verdict(false)),
  right('OOD photo', coffee, 'image/jpeg', verdict(true)),
  right('base64', json(cat), 'application/json', verdict(false)),
  right('in good time', noise, 'image/png', verdict(true), within('10s')),
  {
    name: 'several files',
    status: 200,
    body: {
      cat: http.file(cat, 'cat.jpg'),
      cut: http.file(half(cat), 'cut.jpg'),
      noise: http.file(noise, 'noise.png'),
    },
    checks: {
      // k6 sends the fields of a form in any order.
      'each file is answered for itself': (r) => {
        const of = Object.fromEntries(r.json('results').map((result) => [result.file, result]));
        return of['cat.jpg'].label && of['cut.jpg'].status === 422 && of['noise.png'].label;
      },
    },
  },
];

export const broken = [
  wrong('empty', 400, '', 'image/jpeg'),
  wrong('no JSON', 400, '{"image"', 'application/json'),
  wrong('no base64', 400, '{"image": "%%%"}', 'application/json'),
  wrong('form cut short', 400, '--x\r\nContent-Disp', 'multipart/form-data; boundary=x'),
  wrong('unknown parameter', 400, noise, 'image/png', { query: '?size=2' }),
  wrong('text', 415, 'this is not an image', 'text/plain'),
  wrong('text declared as an image', 415, 'this is not an image', 'image/jpeg'),
  wrong('no time', 400, noise, 'image/png', within('soon')),
  wrong('compressed', 415, noise, 'image/png', { headers: { 'content-encoding': 'gzip' } }),
  wrong('cut short', 422, half(cat), 'image/jpeg'),
  wrong('cut PNG', 422, half(noise), 'image/png'),
  wrong('damaged', 422, damaged(noise), 'image/png'),
];

const fields = [...Array(65).keys()].map((i) => `file${i}`);

export const huge = [
  right('12 megapixels', photo, 'image/jpeg'),
  // Refused if the server can tell at once that it will be late.
  wrong('too late', [504, 429], photo, 'image/jpeg', within('1ms')),
  wrong('bomb', 413, bomb, 'image/png'),
  wrong('more than 32 MiB', 413, new ArrayBuffer(33 << 20), 'image/bmp'),
  wrong('65 files', 413, Object.fromEntries(fields.map((name) => [name, http.file(noise, 'a.png')]))),
];

export function send({ name, status, body, type, options, checks }) {
  const reply = classify(body, type, status, { ...options, tags: { kind: name } });
  const due = [status].flat();
  const isDue = { [`${name}: ${due.join(' or ')}`]: (r) => due.includes(r.status) };
  if (check(reply, isDue, { kind: name })) check(reply, checks, { kind: name });
  return reply;
}

// Each kind must have been sent at least this often: what never came was never answered.
export const seen = (kinds, count) =>
  Object.fromEntries(kinds.map(({ name }) => [`http_reqs{kind:${name}}`, [`count>=${count}`]]));
