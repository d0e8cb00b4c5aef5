// The line about the bridge to NATS, where there is one.

import { ask } from './api.js';
import { bytes, count, say } from './format.js';

const EVERY = 3000;

// A caller that may not see the process as a whole sees no line.
export async function showBridge(line) {
  const status = await ask('GET', 'v1/status').catch((error) => (error.status ? null : undefined));
  if (status === null || (status && !status.nats)) return;
  if (status) {
    line.hidden = false;
    const isUp = Boolean(status.nats.server);
    line.dataset.link = isUp ? 'up' : 'down';
    line.title = isUp ? `connected to ${status.nats.server}` : (status.nats.error?.text ?? 'connecting');
    say(line, `NATS: ${text(status.nats)}`);
  }
  setTimeout(showBridge, EVERY, line);
}

export function text({ server, error, inbound, outbound: out }) {
  const parts = [];
  if (!server) parts.push(error?.text ?? 'connecting');
  if (inbound.published || inbound.pending) parts.push(`${count(inbound.published)} published`);
  if (inbound.pending) parts.push(`${count(inbound.pending)} waiting`);
  if (inbound.spool_messages) parts.push(`${count(inbound.spool_messages)} of them on disk (${bytes(inbound.spool_bytes)})`);
  if (inbound.dropped) parts.push(`${count(inbound.dropped)} dropped`);
  if (out.sent || out.held) parts.push(`${count(out.sent)} sent`);
  if (out.refused) parts.push(`${count(out.refused)} refused`);
  if (out.names_behind) parts.push(`${count(out.names_behind)} names behind`);
  return parts.join(' · ') || 'connected';
}
