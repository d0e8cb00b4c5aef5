// What a name went through while this page watched: a picture of its states, and why each came.

import { clock, duration, make } from './format.js';

export class Timeline {
  constructor() {
    this.picture = make('div', { className: 'picture', role: 'img' });
    this.scale = make('div', { className: 'scale' });
    this.list = make('ol', { className: 'changes' });
    this.element = make('section', { className: 'timeline' }, this.picture, this.scale, this.list);
    this.drawn = -1;
  }

  update(row) {
    const now = Date.now();
    const [first] = row.changes;
    const from = Math.min(first.at, now - 1000);
    const last = row.changes.at(-1);
    this.paint(row.changes, from, now);
    const drawn = `${row.changes.length} ${last.at} ${last.state}`;
    if (drawn !== this.drawn) this.list.replaceChildren(...row.changes.map(entry).reverse());
    this.drawn = drawn;
  }

  paint(changes, from, now) {
    const parts = changes.map((change, at) => {
      const end = changes[at + 1]?.at ?? now;
      const part = make('i', { title: `${change.state} for ${duration(end - change.at)}` });
      part.dataset.state = change.state;
      part.style.left = `${(100 * (change.at - from)) / (now - from)}%`;
      part.style.width = `${(100 * Math.max(0, end - change.at)) / (now - from)}%`;
      return part;
    });
    this.picture.replaceChildren(...parts);
    this.picture.ariaLabel = `The states of the last ${duration(now - from)}, now ${changes.at(-1).state}`;
    this.scale.replaceChildren(make('span', { textContent: `${duration(now - from)} ago` }), make('span', { textContent: 'now' }));
  }
}

function entry(change, at, changes) {
  const end = changes[at + 1]?.at;
  const item = make('li', {},
    make('time', { textContent: clock(change.at) }),
    make('b', { textContent: change.state }),
    make('small', { textContent: end ? `for ${duration(end - change.at)}` : 'since then' }),
    make('span', { textContent: change.text }));
  item.dataset.state = change.state;
  return item;
}
