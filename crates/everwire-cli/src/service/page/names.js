// What is known of all names: their last status, how their rates went, what happened to them; filtered and sorted.

// The samples of a spark line.
export const SAMPLES = 40;
// What is remembered to have happened to a name.
const CHANGES = 60;

export class Names {
  all = new Map();
  // All rows, in the order of the last list: what is nearly sorted is sorted in no time.
  order = [];
  filter = { text: '', state: '', tag: '' };
  sort = { by: 'name', down: false };

  // Takes a status; whether anything but figures changed.
  take(status, now = Date.now()) {
    let row = this.all.get(status.name);
    const isNew = !row;
    if (isNew) {
      row = { name: status.name, key: natural(status.name), rates: new Float32Array(SAMPLES).fill(NaN), rate: 0, sampled: 0, total: 0, changes: [] };
      this.all.set(row.name, row);
      this.order.push(row);
    }
    const before = row.status;
    row.status = status;
    row.text = null;
    row.since = Date.parse(status.since);
    row.retryAt = status.retry_at ? Date.parse(status.retry_at) : null;
    this.sample(row, status, now);
    if (!isNew) noteLoss(row, before, status);
    const changed = isNew || before.state !== status.state || before.incarnation !== status.incarnation;
    if (changed) note(row, { at: row.since, state: status.state, text: reason(status) });
    return changed;
  }

  remove(name) {
    const row = this.all.get(name);
    if (row) row.isGone = true;
    this.all.delete(name);
  }

  // Forgets those that are not among these.
  keep(names) {
    for (const name of this.all.keys()) if (!names.has(name)) this.remove(name);
  }

  // Whether the order needs the figures of names that are not in sight.
  get isSortedByFigures() {
    return ['rtt', 'rate', 'outbox'].includes(this.sort.by);
  }

  // The rows that fit, in order.
  list() {
    this.arrange();
    const { text, state, tag } = this.filter;
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    const rows = [];
    for (const row of this.order) {
      const { status } = row;
      if (state && status.state !== state) continue;
      if (tag && !status.tags.includes(tag)) continue;
      if (words.length) {
        row.text ??= `${status.name} ${status.url}`.toLowerCase();
        if (!words.every((word) => row.text.includes(word))) continue;
      }
      rows.push(row);
    }
    return rows;
  }

  arrange() {
    if (this.order.length !== this.all.size) this.order = this.order.filter((row) => !row.isGone);
    const value = KEYS[this.sort.by];
    const sign = this.sort.down ? -1 : 1;
    for (const row of this.order) row.value = value(row);
    this.order.sort((a, b) => sign * compare(a.value, b.value) || compare(a.key, b.key) || compare(a.name, b.name));
  }

  counts() {
    const counts = {};
    for (const { status } of this.all.values()) counts[status.state] = (counts[status.state] ?? 0) + 1;
    return counts;
  }

  tags() {
    const tags = new Set();
    for (const { status } of this.all.values()) for (const tag of status.tags) tags.add(tag);
    return [...tags].sort();
  }

  // Messages in both directions since the last status, a second.
  sample(row, status, now) {
    const total = status.sent.messages + status.received.messages;
    const seconds = (now - row.sampled) / 1000;
    if (row.sampled && seconds < 0.5) return;
    if (row.sampled) {
      row.rate = Math.max(0, total - row.total) / seconds;
      row.rates.copyWithin(0, 1);
      row.rates[SAMPLES - 1] = row.rate;
    }
    row.sampled = now;
    row.total = total;
  }
}

export const KEYS = {
  name: (row) => row.key,
  // Trouble first.
  state: (row) => ['failed', 'backoff', 'connecting', 'opening', 'closing', 'closed', 'idle', 'open'].indexOf(row.status.state),
  uptime: (row) => (row.status.state === 'open' ? -row.since : -Infinity),
  rtt: (row) => row.status.rtt_ms ?? -1,
  rate: (row) => row.rate,
  reconnects: (row) => row.status.reconnects,
  outbox: (row) => row.status.outbox.messages,
};

function note(row, change) {
  row.changes.push(change);
  if (row.changes.length > CHANGES) row.changes.shift();
}

// A socket that was lost and replaced between two looks was never seen to be gone.
function noteLoss(row, before, status) {
  if (status.reconnects <= before.reconnects || before.state !== 'open') return;
  const { last_error: error, last_close: close } = status;
  const ends = [];
  if (error) ends.push({ at: Date.parse(error.at), text: error.text });
  if (close) ends.push({ at: Date.parse(close.at), text: `closed ${close.code} by ${close.by}` });
  const [end] = ends.sort((a, b) => b.at - a.at);
  if (end && end.at >= Date.parse(before.since)) note(row, { at: end.at, state: 'backoff', text: end.text });
}

// Why a name is in its state, or does not get its new socket; nothing where a state needs no reason.
export function reason({ cause, rotation, last_error: error }) {
  if (cause) return cause.text;
  if (!rotation) return '';
  const times = rotation.failures === 1 ? 'once' : `${rotation.failures} times`;
  return `The rotation to a new socket failed ${times}${error ? `: ${error.text}` : ''}`;
}

// Compares as a person would: numbers by their value, letters whatever their case. Texts that compare so need no collator, which would take most of the time.
function natural(name) {
  return name.toLowerCase().replace(/\d+/g, (digits) => digits.padStart(16, '0'));
}

function compare(a, b) {
  return a < b ? -1 : Number(a > b);
}
