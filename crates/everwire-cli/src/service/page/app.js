// The page: puts the parts together.

import { ask } from './api.js';
import { startCluster } from './cluster.js';
import { Drawer } from './drawer.js';
import { STATES, make, say } from './format.js';
import { Link } from './link.js';
import { Names } from './names.js';
import { showBridge } from './nats.js';
import { Table } from './table.js';

// Uptimes and countdowns move without news.
const TICK = 1000;
// News is drawn together, so that a storm of it costs no more than a breeze.
const PACE = 100;

const at = (id) => document.getElementById(id);
const names = new Names();
let routes = new Set();
let pending = null;

const table = new Table({ names, opened: (name) => drawer.open(name) });
const link = new Link({
  names,
  inSight: () => [...new Set([...table.inSight(), ...(drawer.name ? [drawer.name] : [])])],
  told: () => { pending ??= setTimeout(update, PACE); },
  tailed: (event) => drawer.hear(event),
  said: sayLink,
});
const drawer = new Drawer({ names, link, routes: () => routes, closed: () => table.focus() });

function update() {
  pending = null;
  showStates();
  showTags();
  table.update();
  drawer.update();
}

function sayLink(how, text, why) {
  at('link').dataset.link = how;
  at('link').title = why;
  say(at('link'), text);
}

function showStates() {
  const counts = names.counts();
  for (const button of at('states').children) {
    const { state } = button.dataset;
    const number = state ? (counts[state] ?? 0) : names.all.size;
    say(button.lastChild, String(number));
    button.classList.toggle('zero', !number);
  }
}

function buildStates() {
  for (const state of ['', ...STATES]) {
    const button = make('button', { type: 'button', ariaPressed: String(!state) }, make('span', { textContent: state || 'all' }), make('b', { textContent: '0' }));
    button.dataset.state = state;
    button.addEventListener('click', () => {
      names.filter.state = names.filter.state === state ? '' : state;
      for (const other of at('states').children) other.ariaPressed = String(other.dataset.state === names.filter.state);
      table.update();
    });
    at('states').append(button);
  }
}

function showTags() {
  const tags = names.tags();
  const shown = tags.join('\n');
  if (at('tag').dataset.shown === shown) return;
  at('tag').dataset.shown = shown;
  const chosen = at('tag').value;
  const options = tags.map((tag) => make('option', { value: tag, textContent: tag }));
  at('tag').replaceChildren(make('option', { value: '', textContent: 'All tags' }), ...options);
  at('tag').value = tags.includes(chosen) ? chosen : '';
  names.filter.tag = at('tag').value;
}

function listen() {
  at('search').addEventListener('input', () => {
    names.filter.text = at('search').value;
    table.update();
  });
  at('tag').addEventListener('change', () => {
    names.filter.tag = at('tag').value;
    table.update();
  });
  document.addEventListener('keydown', (event) => {
    const isTyping = event.target.matches('input, textarea, select');
    if (event.key === '/' && !isTyping) {
      event.preventDefault();
      at('search').focus();
    } else if (event.key === 'Escape' && !event.defaultPrevented && !at('ask').open) {
      drawer.close();
    } else if (event.key === 'ArrowDown' && event.target === at('search')) {
      event.preventDefault();
      table.focus();
    }
  });
}

// What this service can do is what its description says.
async function askRoutes() {
  const { paths } = await ask('GET', 'openapi.json');
  routes = new Set(Object.keys(paths));
}

buildStates();
listen();
setInterval(() => {
  table.soon();
  drawer.update();
}, TICK);
await askRoutes().catch(() => setTimeout(askRoutes, 5000));
link.start();
if (routes.has('/v1/status')) showBridge(at('nats'));
if (routes.has('/v1/cluster')) startCluster(at('cluster'));
