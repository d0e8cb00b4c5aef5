// How things are said, and how elements are made.

export const STATES = ['open', 'opening', 'connecting', 'backoff', 'closing', 'closed', 'failed', 'idle'];

// What `is_displayable` of the library refuses: controls, and marks that reorder or hide text. Line ends and tabs stay: they command no page.
const NOT_SHOWN = /[\0-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;

// Somebody else's text, as it may be shown.
export function displayable(text) {
  return typeof text === 'string' ? text.replace(NOT_SHOWN, '\ufffd') : text;
}

// An element; text is always text, never markup.
export function make(tag, options = {}, ...children) {
  const element = document.createElement(tag);
  for (const [key, value] of Object.entries(options)) {
    if (key === 'textContent') element.textContent = displayable(value);
    else if (key in element) element[key] = value;
    else element.setAttribute(key, value);
  }
  element.append(...children);
  return element;
}

export function say(element, text) {
  const shown = displayable(text);
  if (element.textContent !== shown) element.textContent = shown;
}

export function duration(ms) {
  if (!(ms >= 0)) return '';
  const s = Math.floor(ms / 1000);
  if (s < 60) return `${s}s`;
  if (s < 3600) return `${Math.floor(s / 60)}m ${s % 60}s`;
  if (s < 86400) return `${Math.floor(s / 3600)}h ${Math.floor((s % 3600) / 60)}m`;
  return `${Math.floor(s / 86400)}d ${Math.floor((s % 86400) / 3600)}h`;
}

export function millis(ms) {
  if (ms === null || ms === undefined) return '';
  if (ms >= 59950) return duration(ms);
  if (ms >= 999.5) return `${(ms / 1000).toFixed(1)}s`;
  return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
}

export function count(number) {
  if (number < 10000) return String(number);
  if (number < 1e6) return `${(number / 1e3).toFixed(1)}k`;
  if (number < 1e9) return `${(number / 1e6).toFixed(1)}M`;
  return `${(number / 1e9).toFixed(1)}G`;
}

export function rate(perSecond) {
  if (!perSecond) return '0';
  if (perSecond < 10) return perSecond.toFixed(1);
  return count(Math.round(perSecond));
}

export function bytes(number) {
  if (number < 1024) return `${number} B`;
  if (number < 1024 ** 2) return `${(number / 1024).toFixed(1)} KiB`;
  if (number < 1024 ** 3) return `${(number / 1024 ** 2).toFixed(1)} MiB`;
  return `${(number / 1024 ** 3).toFixed(1)} GiB`;
}

// The time of day, with milliseconds.
export function clock(at) {
  const date = new Date(at);
  const two = (n) => String(n).padStart(2, '0');
  const ms = String(date.getMilliseconds()).padStart(3, '0');
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${ms}`;
}

// As `hexdump -C` has it.
export function hex(data) {
  const lines = [];
  const width = Math.min(16, data.length) * 3 - 1;
  for (let at = 0; at < data.length; at += 16) {
    const part = [...data.subarray(at, at + 16)];
    const digits = part.map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
    const text = part.map((byte) => (byte > 31 && byte < 127 ? String.fromCharCode(byte) : '.')).join('');
    lines.push(`${at.toString(16).padStart(4, '0')}  ${digits.padEnd(width)}  ${text}`);
  }
  return lines.join('\n');
}
