// A picture of dials: a bar for each, of the steps that it took, all to the same scale.

import { make, millis } from './format.js';

// In order. A step whose time is null was not needed, or not reached.
const STEPS = ['dns', 'proxy', 'tcp', 'tls', 'upgrade'];
const LINE = 34;
const BAR = 10;

// Each dial has a `label`, its `steps` and how long they took in `all`, and is told by its `end`.
export function picture(lines) {
  const dials = lines.filter((one) => one.steps.length);
  if (!dials.length) return null;
  const longest = Math.max(...dials.map((one) => one.all));
  const told = dials.map((one) => `${one.label} ${one.end}`).join('; ');
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

export function stepsOf(timings) {
  const steps = STEPS.map((step) => [step, timings?.[`${step}_ms`]]).filter(([, ms]) => typeof ms === 'number');
  return { steps, all: steps.reduce((sum, [, ms]) => sum + ms, 0) };
}

// What is written stands above the bar, so that it is never cut by it.
function line({ label, steps, all, hasFailed, end }, top, longest) {
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
    draw('text', { x: 0, y: top + 12, class: 'at' }, label),
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
