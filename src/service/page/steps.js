// A picture of the last dials: a bar for each, of the steps that it took, all to the same scale.

import { clock, make, millis } from './format.js';

// In order. A step whose time is null was not needed, or not reached.
const STEPS = ['dns', 'proxy', 'tcp', 'tls', 'upgrade'];
const LINE = 34;
const BAR = 10;

export function picture(attempts) {
  const dials = attempts.map(dial).filter((one) => one.steps.length);
  if (!dials.length) return null;
  const longest = Math.max(...dials.map((one) => one.all));
  const told = dials.map((one) => `${clock(one.at)} ${one.end}`).join('; ');
  const image = draw('svg', { role: 'img', 'aria-label': told, width: '100%', height: dials.length * LINE });
  dials.forEach((one, at) => image.append(...line(one, at * LINE, longest)));
  const seen = STEPS.filter((step) => dials.some((one) => one.steps.some(([name]) => name === step)));
  const legend = seen.map((step) => {
    const entry = make('span', { textContent: step });
    entry.dataset.step = step;
    return entry;
  });
  return make('figure', { className: 'dials' }, image, make('figcaption', {}, ...legend));
}

function dial({ at, outcome, events }) {
  const told = events.find((event) => event.timings);
  const steps = STEPS.map((step) => [step, told?.timings[`${step}_ms`]]).filter(([, ms]) => typeof ms === 'number');
  const all = steps.reduce((sum, [, ms]) => sum + ms, 0);
  const hasFailed = told?.type === 'error';
  const end = hasFailed ? `failed in ${told.phase} after ${millis(all)}` : `up after ${millis(all)}, then ${outcome}`;
  return { at, steps, all, hasFailed, end: outcome === 'up' ? `up after ${millis(all)}` : end };
}

// What is written stands above the bar, so that it is never cut by it.
function line({ at, steps, all, hasFailed, end }, top, longest) {
  const share = (ms) => `${(97 * ms) / (longest || 1)}%`;
  let before = 0;
  const bars = steps.map(([step, ms]) => {
    const bar = draw('rect', { x: share(before), y: top + 17, width: share(ms), height: BAR, 'data-step': step },
      draw('title', {}, `${step}: ${millis(ms)}`));
    before += ms;
    return bar;
  });
  const mark = draw('circle', { cx: share(all), cy: top + 17 + BAR / 2, r: 4, class: hasFailed ? 'failed' : 'up' });
  return [
    draw('text', { x: 0, y: top + 12, class: 'at' }, clock(at)),
    draw('text', { x: 96, y: top + 12, class: hasFailed ? 'failed' : 'up' }, end),
    ...bars, mark,
  ];
}

function draw(tag, attributes, ...children) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}
