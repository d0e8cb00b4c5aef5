// The table. Of any number of names only the rows in sight are in the document.

import { count, duration, make, millis, rate, say } from './format.js';
import { reason } from './names.js';
import { spark } from './spark.js';

// How many rows the document has at most.
const MOST = 60;
// Rows beyond the edges, so that scrolling shows no gap.
const SPARE = 4;
const COLUMNS = [
  ['state', 'State'], ['name', 'Name'], ['uptime', 'Uptime'], ['rtt', 'RTT'],
  ['rate', 'Messages/s'], ['reconnects', 'Reconnects'], ['outbox', 'Outbox'],
];

export class Table {
  rows = [];
  at = 0;

  constructor({ names, opened }) {
    this.names = names;
    this.opened = opened;
    this.grid = document.getElementById('grid');
    this.body = document.getElementById('rows');
    this.none = document.getElementById('none');
    this.pool = [];
    this.head();
    this.grid.addEventListener('scroll', () => this.soon(), { passive: true });
    this.grid.addEventListener('keydown', (event) => this.key(event));
    this.body.addEventListener('click', (event) => this.click(event));
    new ResizeObserver(() => this.soon()).observe(this.grid);
  }

  // Takes the names as they are now.
  update() {
    const chosen = this.rows[this.at]?.name;
    this.rows = this.names.list();
    const now = this.rows.findIndex((row) => row.name === chosen);
    this.at = Math.max(0, now >= 0 ? now : Math.min(this.at, this.rows.length - 1));
    this.grid.setAttribute('aria-rowcount', this.rows.length + 1);
    this.none.hidden = this.rows.length > 0;
    say(this.none, this.names.all.size ? 'No connection matches the filter.' : 'There are no connections yet.');
    this.soon();
  }

  // The names in sight.
  inSight() {
    const [from, to] = this.range();
    return this.rows.slice(from, to).map((row) => row.name);
  }

  focus() {
    this.grid.focus({ preventScroll: true });
  }

  soon() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.draw();
    });
  }

  range() {
    const height = this.height = parseFloat(getComputedStyle(this.grid).getPropertyValue('--row'));
    const fits = Math.ceil(this.grid.clientHeight / height) + 1;
    const from = Math.max(0, Math.floor(this.grid.scrollTop / height) - SPARE);
    return [from, Math.min(this.rows.length, from + Math.min(MOST, fits + 2 * SPARE))];
  }

  // As high as all rows are: nothing can be scrolled to that is beyond its end.
  stretch() {
    this.body.style.height = `${this.rows.length * this.height}px`;
  }

  draw() {
    const [from, to] = this.range();
    this.stretch();
    while (this.pool.length < to - from) this.pool.push(this.line());
    while (this.pool.length > to - from) this.pool.pop().row.remove();
    // A row keeps its element while it stays in sight.
    for (let at = from; at < to; at += 1) this.fill(this.pool[at % this.pool.length], at);
    this.drawSparks();
    this.grid.setAttribute('aria-activedescendant', this.rows.length ? `row-${this.at}` : '');
  }

  line() {
    const cells = COLUMNS.map(([key]) => make('span', { role: 'gridcell', className: key }));
    const line = { row: make('div', { role: 'row' }, ...cells) };
    COLUMNS.forEach(([key], at) => { line[key] = cells[at]; });
    line.canvas = make('canvas', { ariaHidden: 'true' });
    line.number = make('b');
    line.rate.append(line.canvas, line.number);
    line.title = make('b');
    line.detail = make('small');
    line.name.append(line.title, line.detail);
    this.body.append(line.row);
    return line;
  }

  fill(line, at) {
    const row = this.rows[at];
    const { status } = row;
    line.row.id = `row-${at}`;
    line.row.dataset.at = at;
    line.row.dataset.state = status.state;
    line.row.ariaRowIndex = at + 2;
    line.row.ariaSelected = at === this.at;
    line.row.style.transform = `translateY(${at * this.height}px)`;
    say(line.state, status.state);
    say(line.title, row.name);
    say(line.detail, reason(status) || status.url);
    line.detail.title = line.detail.textContent;
    say(line.uptime, time(row));
    say(line.rtt, millis(status.rtt_ms));
    say(line.number, rate(row.rate));
    say(line.reconnects, count(status.reconnects));
    say(line.outbox, count(status.outbox.messages));
    line.reconnects.classList.toggle('zero', !status.reconnects);
    line.outbox.classList.toggle('zero', !status.outbox.messages);
    line.shown = row;
  }

  // When all rows are written: to read a size in between would lay out the page for each.
  drawSparks() {
    const [first] = this.pool;
    if (!first) return;
    const size = [first.canvas.clientWidth, first.canvas.clientHeight];
    const { color } = getComputedStyle(first.canvas);
    for (const line of this.pool) {
      // A canvas is drawn again only with another line.
      const { name, sampled, rates } = line.shown;
      const drawn = `${name} ${sampled} ${size} ${color}`;
      if (line.drawn !== drawn) spark(line.canvas, rates, size, color);
      line.drawn = drawn;
    }
  }

  head() {
    const head = document.getElementById('head');
    for (const [key, title] of COLUMNS) {
      const button = make('button', { type: 'button', textContent: title });
      const cell = make('span', { role: 'columnheader', className: key }, button);
      button.addEventListener('click', () => this.sortBy(key));
      head.append(cell);
    }
    this.showSort();
  }

  sortBy(key) {
    const { sort } = this.names;
    sort.down = sort.by === key ? !sort.down : !['name', 'state'].includes(key);
    sort.by = key;
    this.showSort();
    this.update();
  }

  showSort() {
    const { by, down } = this.names.sort;
    for (const cell of document.getElementById('head').children) {
      cell.ariaSort = cell.className === by ? (down ? 'descending' : 'ascending') : 'none';
    }
  }

  click(event) {
    const row = event.target.closest('[data-at]');
    if (!row) return;
    this.at = Number(row.dataset.at);
    this.soon();
    this.opened(this.rows[this.at].name);
  }

  key(event) {
    if (event.target !== this.grid || event.ctrlKey || event.altKey || event.metaKey) return;
    const page = Math.max(1, Math.floor(this.grid.clientHeight / this.height) - 2);
    const moves = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
    if (event.key in moves) {
      this.choose(this.at + moves[event.key]);
    } else if (event.key === 'Enter' && this.rows[this.at]) {
      this.opened(this.rows[this.at].name);
    } else {
      return;
    }
    event.preventDefault();
  }

  choose(at) {
    this.at = Math.max(0, Math.min(this.rows.length - 1, at));
    // The rows may have changed since they were drawn.
    this.stretch();
    const head = document.getElementById('head').offsetHeight;
    const top = this.at * this.height;
    const { scrollTop, clientHeight } = this.grid;
    if (top < scrollTop) this.grid.scrollTop = top;
    else if (top + this.height > scrollTop + clientHeight - head) this.grid.scrollTop = top + this.height + head - clientHeight;
    this.soon();
  }
}

// How long it has been up, or what comes next and when.
export function time(row) {
  const now = Date.now();
  if (row.status.state === 'backoff' && row.retryAt) {
    return row.retryAt > now ? `retry in ${duration(row.retryAt - now + 999)}` : 'retry now';
  }
  return ['open', 'opening'].includes(row.status.state) ? duration(now - row.since) : '';
}
