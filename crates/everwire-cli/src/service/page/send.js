// The send box, and what became of what was sent from it.

import { ask, of } from './api.js';
import { clock, make, say } from './format.js';

const MOST = 6;
// How long a message's fate is asked for, and how often.
const PATIENCE = 60000;
const PACE = [100, 250, 500, 1000, 2000];
const FINAL = ['confirmed', 'expired', 'evicted', 'cancelled', 'in_doubt', 'rejected'];

export class SendBox {
  constructor(name) {
    this.name = name;
    this.text = make('textarea', { rows: 2, ariaLabel: 'Message', placeholder: 'A message; Ctrl+Enter sends it', spellcheck: false });
    this.isHex = make('input', { type: 'checkbox' });
    this.fates = make('ol', { className: 'fates', ariaLabel: 'Sent messages', ariaLive: 'polite' });
    const send = make('button', { className: 'strong', textContent: 'Send' });
    this.element = make('form', { className: 'send' },
      this.fates, this.text,
      make('div', { className: 'bar' }, make('label', {}, this.isHex, ' hex'), send));
    this.element.addEventListener('submit', (event) => {
      event.preventDefault();
      this.send();
    });
    this.text.addEventListener('keydown', (event) => {
      if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) this.element.requestSubmit();
    });
  }

  async send() {
    const text = this.text.value;
    const line = new Line(text);
    this.fates.append(line.element);
    while (this.fates.childElementCount > MOST) this.fates.firstChild.remove();
    try {
      const [body, type] = this.isHex.checked ? [unhex(text), 'application/octet-stream'] : [text, 'text/plain'];
      const sent = await ask('POST', of(this.name, '/send?wait=queued'), { body, type });
      this.text.value = '';
      line.tell(sent.fate, sent.id);
      await follow(this.name, sent, line);
    } catch (error) {
      line.tell(error.problem?.fate ?? 'rejected', null, error.message);
    }
  }
}

// Asks until nothing more can become of it.
async function follow(name, { id, epoch }, line) {
  const until = Date.now() + PATIENCE;
  for (let turn = 0; Date.now() < until && line.element.isConnected; turn += 1) {
    const { fate } = await ask('GET', of(name, `/sends/${id}?epoch=${epoch}`));
    line.tell(fate, id);
    if (FINAL.includes(fate)) return;
    await new Promise((resolve) => setTimeout(resolve, PACE[Math.min(turn, PACE.length - 1)]));
  }
}

class Line {
  constructor(text) {
    this.id = make('span', { className: 'id' });
    this.fate = make('b', { textContent: 'sending' });
    this.why = make('small');
    this.element = make('li', {}, make('time', { textContent: clock(Date.now()) }), this.id,
      make('span', { className: 'text', textContent: text.slice(0, 200) }), this.fate, this.why);
  }

  tell(fate, id, why = '') {
    this.element.dataset.fate = fate;
    say(this.fate, fate.replace('_', ' '));
    say(this.id, id ? `#${id}` : '');
    say(this.why, why);
  }
}

function unhex(text) {
  const digits = text.replace(/\s+/g, '');
  if (digits.length % 2 || /[^0-9a-f]/i.test(digits)) throw new Error('that is not hex: two digits 0-9 a-f for each byte');
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}
