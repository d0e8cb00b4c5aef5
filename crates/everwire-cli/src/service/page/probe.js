// A dry run of the next dial: what each URL comes to, beside the socket that serves.

import { ask, of } from './api.js';
import { clock, make, millis, say } from './format.js';
import { picture, stepsOf } from './steps.js';

// A dial waits for its turn, and takes as long as the name lets it.
const PATIENCE = 60000;

export class Probe {
  constructor(name) {
    this.name = name;
    this.element = make('section', { className: 'probe', role: 'status' });
  }

  async run() {
    const at = Date.now();
    this.element.replaceChildren(make('p', { className: 'quiet', textContent: 'Dialling …' }));
    try {
      const { probes } = await ask('POST', of(this.name, '/probe'), { patience: PATIENCE });
      const image = picture(probes.map(line));
      this.element.replaceChildren(
        make('h3', {}, make('time', { textContent: clock(at) }), make('b', { textContent: 'A dry run of the next dial' })),
        ...(image ? [image] : []), make('ol', {}, ...probes.map(outcome)));
    } catch (error) {
      say(this.element, error.message);
    }
  }
}

function line({ ok, timings }, at) {
  const { steps, all } = stepsOf(timings);
  return { label: `URL ${at + 1}`, steps, all, hasFailed: !ok, end: ok ? `would serve after ${millis(all)}` : `failed after ${millis(all)}` };
}

function outcome({ url, ok, peer, subprotocol, error }) {
  const chose = subprotocol ? `, and chose ${subprotocol}` : '';
  const item = make('li', {},
    make('b', { textContent: ok ? 'would serve' : error.kind }),
    make('span', { textContent: ok ? `${url}: ${peer} answers${chose}` : `${url}: ${error.text}` }));
  item.dataset.outcome = ok ? 'up' : 'failed';
  return item;
}
