// Why a name is where it is, as the service tells it: each of the last attempts as a picture of its steps, and the rule that
// decided, where one did.

import { ask, of } from './api.js';
import { clock, hex, make, millis, say } from './format.js';
import { picture, stepsOf } from './steps.js';

export class Why {
  constructor(name) {
    this.name = name;
    this.element = make('section', { className: 'attempts' });
  }

  // Asks again if anything has changed since.
  async update({ status }) {
    const { step, rule_rate: rate, requests } = status;
    const now = [status.incarnation, status.state, status.since, step?.number, step?.state, step?.met, rate?.waiting, requests?.waiting, requests?.in_flight, step?.expect].join(' ');
    if (this.asked === now) return;
    this.asked = now;
    try {
      const why = await ask('GET', of(this.name, '/why'));
      const image = picture(why.attempts.map(dial));
      this.element.replaceChildren(rule(why), ...conversation(why), ...lastMessage(why), ...(image ? [image] : []), ...why.attempts.map(attempt));
    } catch (error) {
      this.asked = null;
      say(this.element, error.message);
    }
  }
}

function dial({ at, outcome, events }) {
  const told = events.find((event) => event.timings);
  const { steps, all } = stepsOf(told?.timings);
  const hasFailed = told?.type === 'error';
  const end = hasFailed ? `failed in ${told.phase} after ${millis(all)}` : `up after ${millis(all)}, then ${outcome}`;
  return { label: clock(at), steps, all, hasFailed, end: outcome === 'up' ? `up after ${millis(all)}` : end };
}

function rule({ rule: decided, retry_at: at }) {
  const parts = [];
  if (decided) parts.push(`Decided by the rule: ${decided}.`);
  if (at) parts.push(`The next attempt is at ${clock(at)}.`);
  return make('p', { className: 'quiet', textContent: parts.join(' ') });
}

// What its script waits for, how many answers of rules wait, and how many requests have no answer.
function conversation({ step, rule_rate: rate, requests }) {
  const told = [];
  if (step?.script === 'subscribe') {
    told.push(`Opening: waits for ${step.expect}`);
  } else if (step) {
    const does = step.send ?? step.call;
    const done = step.send ? 'sent' : 'called';
    const sends = does ? `${does} ${step.state === 'queued' ? 'waits for its turn' : `${done} at ${clock(step.since)}`}` : null;
    const waits = step.state === 'rests' ? `is sent again at ${clock(step.until)}` : step.expect && `waits for ${step.expect}`;
    told.push([`Opening: step ${step.number} of ${step.steps}`, sends, waits].filter(Boolean).join(', '));
  }
  if (rate) told.push(`${rate.waiting} answers of rules wait: at most 100 go out in a second`);
  if (requests) told.push(`Requests: ${requests.waiting} not sent yet, ${requests.in_flight} sent and not answered yet`);
  return told.map((text) => make('p', { className: 'quiet', textContent: `${text}.` }));
}

// What the peer said last before a young socket ended: some servers say only there why they close.
function lastMessage({ last_message: last }) {
  if (!last) return [];
  const kind = last.binary ? ` (binary, ${last.bytes} bytes)` : '';
  const said = last.text ?? hex(Uint8Array.from(atob(last.base64), (char) => char.charCodeAt(0)).subarray(0, 64));
  return [make('p', { className: 'quiet', textContent: `The peer's last message${kind}, at ${clock(last.at)}:` }),
    make('pre', { className: 'last-message', textContent: said })];
}

function attempt({ at, outcome, events }) {
  const head = make('h3', {}, make('time', { textContent: clock(at) }), make('b', { textContent: outcome }));
  const list = make('ol', {}, ...events.map((event) => make('li', {},
    make('time', { textContent: `+${millis(event.after_ms ?? 0)}` }),
    make('b', { textContent: event.type }),
    make('span', { textContent: said(event) }))));
  const element = make('article', {}, head, list);
  element.dataset.outcome = outcome;
  return element;
}

// What an event says of its cause.
function said(event) {
  const { text, cause, rule: decided, status, code, reason, by, delay_ms: delay, url } = event;
  const parts = [text ?? cause, status && `status ${status}`, code && `code ${code}`, reason && `“${reason}”`, by && `by ${by}`,
    delay !== undefined && `again in ${millis(delay)}`, decided && `rule ${decided}`, event.type === 'connecting' && url];
  return parts.filter((part) => typeof part === 'string').join(', ');
}
