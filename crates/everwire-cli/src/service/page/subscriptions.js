// What a name subscribes to: each key, where it stands, who holds it, and what the peer said where it has failed.

import { ask, of } from './api.js';
import { count, make, say } from './format.js';

// In this order: what has failed stands first, in a list that may be long.
export const STATES = ['refused', 'unanswered', 'ended', 'wanted', 'sent', 'active'];
const PAGE = 200;

export class Subscriptions {
  constructor(name) {
    this.name = name;
    this.summary = make('p', { className: 'quiet', role: 'status' });
    this.list = make('ol', { className: 'subscriptions-list' });
    this.element = make('section', { className: 'subscriptions', tabIndex: 0 }, this.summary, this.list);
  }

  // Asks again if anything has changed since.
  async update({ status }) {
    const now = JSON.stringify([status.subscriptions, status.incarnation, status.received.messages]);
    if (this.asked === now || this.isAsking) return;
    [this.asked, this.isAsking] = [now, true];
    try {
      const lists = await Promise.all(groups(status.subscriptions).map((state) =>
        ask('GET', of(this.name, `/subscriptions?limit=${PAGE}&state=${state}`))));
      const all = lists.flatMap(({ subscriptions }) => subscriptions);
      const known = total(status.subscriptions);
      const shown = all.length < known ? `, of which the first ${all.length} are shown` : '';
      say(this.summary, known ? `${told(status.subscriptions)}${shown}.` : 'It has no subscriptions.');
      this.list.replaceChildren(...all.map(entry));
    } catch (error) {
      this.asked = null;
      say(this.summary, error.message);
    } finally {
      this.isAsking = false;
    }
  }
}

function groups(counts) {
  return STATES.filter((state) => counts?.[state]);
}

export function total(counts) {
  return STATES.reduce((sum, state) => sum + (counts?.[state] ?? 0), 0);
}

// How many stand where.
export function told(counts) {
  return groups(counts).reverse().map((state) => `${count(counts[state])} ${state}`).join(', ');
}

function entry({ key, state, text, holders, item, routed }) {
  const asked = typeof item === 'string' ? item : JSON.stringify(item);
  const detail = text ?? (asked === key ? '' : asked);
  const held = `held by ${holders.join(', ')}${routed ? `, ${count(routed)} messages` : ''}`;
  const element = make('li', {}, make('code', { textContent: key }), make('b', { textContent: state }),
    make('small', { textContent: held }), make('span', { textContent: detail }));
  element.dataset.state = state;
  return element;
}
