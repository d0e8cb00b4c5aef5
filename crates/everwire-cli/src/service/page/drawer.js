// The drawer of one name: its figures, its live tail with the send box, its timeline, its settings, and what can be done.

import { ask, of } from './api.js';
import { bytes, count, duration, make, millis, rate, say } from './format.js';
import { reason } from './names.js';
import { Probe } from './probe.js';
import { SendBox } from './send.js';
import { Subscriptions, told, total } from './subscriptions.js';
import { time } from './table.js';
import { Tail } from './tail.js';
import { Timeline } from './timeline.js';
import { Why } from './why.js';

const ACTIONS = [
  { title: 'Connect', act: (drawer) => drawer.post(of(drawer.name, '/connect')), route: '/v1/connections/{name}/connect' },
  { title: 'Probe', act: (drawer) => drawer.dryRun(), route: '/v1/connections/{name}/probe' },
  { title: 'Rotate', act: (drawer) => drawer.post(`v1/rotate?match=${encodeURIComponent(drawer.name)}`), route: '/v1/rotate' },
  { title: 'Close', act: (drawer) => drawer.post(of(drawer.name, '/close')), route: '/v1/connections/{name}/close' },
];
const TABS = ['tail', 'subscriptions', 'timeline', 'settings'];

export class Drawer {
  constructor({ names, link, routes, closed }) {
    Object.assign(this, { names, link, routes, closed });
    this.element = document.getElementById('drawer');
    this.element.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') this.close();
    });
  }

  open(name) {
    if (this.name === name) return this.title.focus();
    this.name = name;
    this.tail = new Tail();
    this.timeline = new Timeline();
    this.story = this.routes().has('/v1/connections/{name}/why') ? new Why(name) : null;
    if (this.story) this.timeline.element.append(this.story.element);
    this.subscriptions = new Subscriptions(name);
    this.probe = new Probe(name);
    this.timeline.element.prepend(this.probe.element);
    this.send = new SendBox(name);
    this.settings = make('pre', { className: 'settings', tabIndex: 0 });
    this.build();
    this.element.hidden = false;
    document.body.classList.add('opened');
    this.show('tail');
    this.link.follow(name);
    this.update();
    this.title.focus();
  }

  close() {
    if (!this.name) return;
    this.name = null;
    this.link.follow(null);
    this.element.hidden = true;
    document.body.classList.remove('opened');
    this.closed();
  }

  hear(event) {
    if (this.name) this.tail.hear(event);
  }

  update() {
    if (!this.name) return;
    const row = this.names.all.get(this.name);
    this.element.classList.toggle('gone', !row);
    if (!row) return say(this.why, 'This connection was removed.');
    const { status } = row;
    this.element.dataset.state = status.state;
    say(this.state, status.state);
    say(this.url, status.url);
    say(this.why, reason(status));
    for (const [title, text] of figures(row)) say(this.figures[title], text);
    this.tail.say(this.link.isLive
      ? 'No event yet.'
      : `${count(status.received.messages)} messages came so far; they are shown once the WebSocket of this page is up.`);
    const subscribes = total(status.subscriptions) > 0 && this.routes().has('/v1/connections/{name}/subscriptions');
    this.tabList.querySelector('[data-tab=subscriptions]').hidden = !subscribes && this.subscriptions.element.hidden;
    if (!this.subscriptions.element.hidden) this.subscriptions.update(row);
    if (this.timeline.element.hidden) return;
    this.timeline.update(row);
    this.story?.update(row);
  }

  build() {
    this.title = make('h2', { textContent: this.name, tabIndex: -1 });
    this.state = make('b', { className: 'state' });
    this.url = make('p', { className: 'url' });
    this.why = make('p', { className: 'why', role: 'status' });
    const close = make('button', { type: 'button', className: 'close', ariaLabel: 'Close the drawer', textContent: '×' });
    close.addEventListener('click', () => this.close());
    const row = this.names.all.get(this.name);
    this.figures = {};
    const figuresList = make('dl', {}, ...figures(row).map(([title]) => {
      this.figures[title] = make('dd');
      return make('div', {}, make('dt', { textContent: title }), this.figures[title]);
    }));
    this.element.replaceChildren(
      make('div', { className: 'top' }, this.title, this.state, close), this.url, this.actions(), this.why, figuresList,
      this.tabs(), this.tail.element, this.subscriptions.element, this.timeline.element, this.settings, this.send.element);
  }

  actions() {
    const known = ACTIONS.filter(({ route }) => this.routes().has(route));
    return make('div', { className: 'actions' }, ...known.map(({ title, act }) => {
      const button = make('button', { type: 'button', textContent: title });
      button.addEventListener('click', async () => {
        button.disabled = true;
        await act(this);
        button.disabled = false;
      });
      return button;
    }));
  }

  async post(path) {
    try {
      await ask('POST', path);
      this.link.refresh();
    } catch (error) {
      say(this.why, error.message);
    }
  }

  dryRun() {
    this.show('timeline');
    return this.probe.run();
  }

  tabs() {
    this.tabList = make('div', { className: 'tabs', role: 'tablist' }, ...TABS.map((tab) => {
      const button = make('button', { type: 'button', role: 'tab', textContent: tab[0].toUpperCase() + tab.slice(1) });
      button.dataset.tab = tab;
      button.addEventListener('click', () => this.show(tab));
      return button;
    }));
    this.tabList.addEventListener('keydown', (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const shown = [...this.tabList.children].filter((tab) => !tab.hidden).map((tab) => tab.dataset.tab);
      const at = shown.indexOf(document.activeElement.dataset.tab);
      const next = shown[(at + step + shown.length) % shown.length];
      this.show(next);
      this.tabList.querySelector(`[data-tab=${next}]`).focus();
    });
    return this.tabList;
  }

  show(tab) {
    for (const button of this.tabList.children) {
      const isShown = button.dataset.tab === tab;
      button.ariaSelected = String(isShown);
      button.tabIndex = isShown ? 0 : -1;
    }
    this.tail.element.hidden = tab !== 'tail';
    this.send.element.hidden = tab !== 'tail';
    this.subscriptions.element.hidden = tab !== 'subscriptions';
    this.timeline.element.hidden = tab !== 'timeline';
    this.settings.hidden = tab !== 'settings';
    if (tab === 'settings') this.askSettings();
    this.update();
  }

  async askSettings() {
    const { name, settings } = this;
    try {
      const config = await ask('GET', of(name, '/config'));
      say(settings, JSON.stringify(config, null, 2));
    } catch (error) {
      say(settings, error.message);
    }
  }
}

function figures(row) {
  const { status } = row;
  const { sent, received, outbox } = status;
  const doubt = outbox.in_doubt ? `, ${outbox.in_doubt} in doubt` : '';
  const dropped = outbox.dropped ? `, ${outbox.dropped} dropped` : '';
  return [
    ['In this state', duration(Date.now() - row.since)],
    ['RTT', millis(status.rtt_ms) || 'none yet'],
    ['Messages/s', rate(row.rate)],
    ['Received', `${count(received.messages)}, ${bytes(received.bytes)}`],
    ['Sent', `${count(sent.messages)}, ${bytes(sent.bytes)}`],
    ['Outbox', `${count(outbox.messages)}${doubt}${dropped}`],
    ['Sessions', count(status.sessions.length)],
    ['Subscriptions', told(status.subscriptions) || 'none'],
    ['Next attempt', status.state === 'backoff' ? time(row).replace('retry ', '') : 'none due'],
    ['Reconnects', count(status.reconnects)],
  ];
}
