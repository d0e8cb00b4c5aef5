// How the page hears of the names: all of them at first, then what happens over one WebSocket, and the figures of the rows in
// sight by asking. Where there is no WebSocket all names are asked for again and again.

import { ask, token } from './api.js';

// Reading a larger one would hold up the page.
const PAGE = 500;
// How often figures are asked for.
const REFRESH = 2000;
// How long changed names are collected before they are asked for.
const GATHER = 250;
// With more changed names than this at once, all are asked for.
const MANY = 400;
// A query has at most 4096 characters of names.
const MATCH = 3500;
const RETRY = [1000, 2000, 5000, 15000, 30000];
const LIFE = ['connecting', 'opened', 'ready', 'closed', 'error', 'retrying', 'failed', 'gap', 'dropped', 'rotated', 'applied', 'removed'];
const TAIL = ['message', 'sent', 'opened', 'closed', 'retrying', 'failed', 'gap', 'dropped', 'rotated', 'session_opened', 'session_closed'];

export class Link {
  // `inSight` tells the names whose figures are shown; `told` hears of every change, `tailed` what happens to the name in the
  // drawer, `said` how the link is.
  constructor({ names, inSight, told, tailed, said }) {
    Object.assign(this, { names, inSight, told, tailed, said });
    this.wantsAll = true;
    this.changed = new Set();
    this.failures = 0;
    this.socket = null;
    this.tail = null;
    this.isDown = false;
    this.since = null;
  }

  async start() {
    this.dial();
    for (;;) {
      await this.round();
      await new Promise((resolve) => {
        this.hurry = resolve;
        setTimeout(resolve, REFRESH);
      });
    }
  }

  // Asks again now.
  refresh() {
    this.hurry?.();
  }

  get isLive() {
    return this.socket?.readyState === WebSocket.OPEN;
  }

  // Follows the messages of one name, or of none.
  follow(name) {
    if (this.tail) this.send({ op: 'unsubscribe', id: 'tail' });
    this.tail = name;
    this.subscribeTail();
  }

  subscribeTail() {
    if (this.tail) this.send({ op: 'subscribe', id: 'tail', match: this.tail, types: TAIL });
  }

  async round() {
    try {
      if (!this.isLive || this.isDown || this.wantsAll || this.names.isSortedByFigures) {
        this.wantsAll = false;
        await this.askAll();
      } else {
        await this.askFor(this.inSight());
      }
      this.isDown = false;
    } catch (error) {
      this.wantsAll = true;
      if (!this.isDown) this.since = new Date();
      this.isDown = true;
      this.error = error;
    }
    this.report();
  }

  async askAll() {
    const seen = new Set();
    let cursor = '';
    do {
      const page = await ask('GET', `v1/connections?limit=${PAGE}&cursor=${encodeURIComponent(cursor)}`);
      for (const status of page.connections) {
        seen.add(status.name);
        this.names.take(status);
      }
      cursor = page.next_cursor;
      this.told();
    } while (cursor);
    this.names.keep(seen);
    this.told();
  }

  async askFor(names) {
    for (const match of joined(names)) {
      const page = await ask('GET', `v1/connections?limit=${PAGE}&match=${encodeURIComponent(match)}`);
      for (const status of page.connections) this.names.take(status);
    }
    this.told();
  }

  dial() {
    const url = new URL('v1/ws', document.baseURI);
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    const socket = new WebSocket(url, protocols());
    this.socket = socket;
    socket.onopen = () => {
      this.failures = 0;
      this.send({ op: 'subscribe', id: 'life', match: '*', types: LIFE });
      this.subscribeTail();
      // What happened before the subscription is in the next answer.
      this.wantsAll = true;
      this.refresh();
    };
    socket.onmessage = ({ data }) => this.hear(JSON.parse(data));
    socket.onclose = () => {
      const wait = RETRY[Math.min(this.failures, RETRY.length - 1)];
      this.failures += 1;
      setTimeout(() => this.dial(), wait);
      this.refresh();
    };
  }

  send(command) {
    if (this.isLive) this.socket.send(JSON.stringify(command));
  }

  hear({ subscription, ...event }) {
    if (subscription === 'tail') {
      // What was still on the way of the name before is not this one's.
      if (!event.name || event.name === this.tail) this.tailed(event);
    } else if (event.type === 'lagged') {
      this.wantsAll = true;
    } else if (event.type === 'removed') {
      this.names.remove(event.name);
      this.told();
    } else if (event.name) {
      this.gather(event.name);
    }
  }

  gather(name) {
    this.changed.add(name);
    this.timer ??= setTimeout(async () => {
      this.timer = null;
      const names = [...this.changed];
      this.changed.clear();
      if (names.length > MANY) {
        this.wantsAll = true;
        return;
      }
      // The next round tells of a failure.
      await this.askFor(names).catch(() => { this.wantsAll = true; });
    }, GATHER);
  }

  report() {
    if (this.isDown) {
      const time = this.since.toLocaleTimeString();
      this.said('down', `no answer since ${time}; trying again`, this.error.message);
    } else if (this.isLive) {
      this.said('live', 'live', 'Changes come over one WebSocket.');
    } else {
      this.said('polling', 'asking every 2 s', 'The WebSocket is not there, so all names are asked for every two seconds.');
    }
  }
}

// A browser sets no header of a WebSocket but this one, which takes fewer characters than a token has.
function protocols() {
  const used = token();
  if (!used) return ['everwire.v1'];
  const base64 = btoa(String.fromCharCode(...new TextEncoder().encode(used)));
  return ['everwire.v1', `bearer.${base64.replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '')}`];
}

function* joined(names) {
  let match = '';
  for (const name of names) {
    if (match.length + name.length > MATCH) {
      yield match;
      match = '';
    }
    match += match ? `,${name}` : name;
  }
  if (match) yield match;
}
