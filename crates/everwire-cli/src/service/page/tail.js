// The live tail of one name: text, JSON folded out, binary as hex.

import { bytes, clock, hex, make } from './format.js';

// What is shown, and what may wait to be shown.
const MOST = 200;
// Longer contents are cut.
const LONGEST = 20000;
const LONGEST_HEX = 1024;

export class Tail {
  waiting = [];
  skipped = 0;
  isPaused = false;

  constructor() {
    this.list = make('ol', { className: 'entries', tabIndex: 0, ariaLabel: 'Live tail' });
    this.empty = make('p', { className: 'quiet', textContent: 'No event yet.' });
    this.pause = make('button', { type: 'button', textContent: 'Pause', ariaPressed: 'false' });
    this.pause.addEventListener('click', () => this.setPaused(!this.isPaused));
    const clear = make('button', { type: 'button', textContent: 'Clear' });
    clear.addEventListener('click', () => this.clear());
    this.element = make('section', { className: 'tail' },
      make('div', { className: 'bar' }, this.pause, clear), this.empty, this.list);
  }

  hear(event) {
    this.waiting.push(event);
    if (this.waiting.length > MOST) {
      this.waiting.shift();
      this.skipped += 1;
    }
    if (!this.isPaused) this.soon();
  }

  say(text) {
    if (!this.list.childElementCount) this.empty.textContent = text;
  }

  clear() {
    this.waiting = [];
    this.list.replaceChildren();
    this.empty.hidden = false;
  }

  setPaused(paused) {
    this.isPaused = paused;
    this.pause.ariaPressed = String(paused);
    this.pause.textContent = paused ? 'Go on' : 'Pause';
    if (!paused) this.soon();
  }

  soon() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.draw();
    });
  }

  draw() {
    const { list } = this;
    const isAtEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
    const entries = this.waiting.map(entry);
    if (this.skipped) entries.unshift(note('lagged', `${this.skipped} more came than can be shown`));
    this.waiting = [];
    this.skipped = 0;
    list.append(...entries);
    while (list.childElementCount > MOST) list.firstChild.remove();
    this.empty.hidden = list.childElementCount > 0;
    if (isAtEnd) list.scrollTop = list.scrollHeight;
  }
}

function entry(event) {
  const line = note(event.type, '', event.at);
  // Of the subscription that it belongs to.
  if (event.type === 'message' && event.key) line.append(make('b', { textContent: event.key }));
  if (event.type !== 'message') {
    line.append(make('span', { textContent: facts(event) }));
  } else if (typeof event.base64 === 'string') {
    line.append(binary(event.base64));
  } else {
    line.append(content(event.text ?? ''));
  }
  return line;
}

function note(type, text, at = Date.now()) {
  const line = make('li', { className: type }, make('time', { textContent: clock(at) }));
  if (type !== 'message') line.append(make('b', { textContent: type }));
  if (text) line.append(make('span', { textContent: text }));
  return line;
}

// What else an event says of itself.
function facts(event) {
  const known = ['type', 'name', 'epoch', 'seq', 'cursor', 'at'];
  const rest = Object.entries(event).filter(([key, value]) => !known.includes(key) && (value !== null || key === 'missed') && value !== false);
  return rest.map(([key, value]) => `${key} ${value === null ? 'unknown' : typeof value === 'object' ? JSON.stringify(value) : value}`).join(', ');
}

function content(text) {
  const json = parsed(text);
  if (json === undefined) return make('span', { className: 'text', textContent: cut(text) });
  const folded = make('details', {}, make('summary', { textContent: cut(text, 300) }));
  // Most are never folded out.
  folded.addEventListener('toggle', () => {
    if (folded.childElementCount === 1) folded.append(make('pre', { textContent: cut(JSON.stringify(json, null, 2)) }));
  });
  return folded;
}

function parsed(text) {
  if (!/^\s*[[{]/.test(text)) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function binary(base64) {
  const data = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
  const rest = data.length > LONGEST_HEX ? `\n… ${bytes(data.length)} in all` : '';
  return make('pre', { className: 'hex', textContent: hex(data.subarray(0, LONGEST_HEX)) + rest });
}

function cut(text, longest = LONGEST) {
  return text.length > longest ? `${text.slice(0, longest)} …` : text;
}
