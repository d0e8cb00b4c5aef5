// The section about the cluster, where the service is one of its nodes.

import { ask } from './api.js';
import { count, duration, make, say } from './format.js';

const EVERY = 2000;

// A caller that may not see the cluster, and a service without one, have no section. The status says whether there is one: asking the
// cluster itself would be an error in the console.
export async function startCluster(section) {
  const status = await ask('GET', 'v1/status').catch((error) => (error.status ? null : undefined));
  if (status === null || (status && !status.cluster)) return;
  if (status) await showCluster(section);
  else setTimeout(startCluster, EVERY, section);
}

async function showCluster(section) {
  const cluster = await ask('GET', 'v1/cluster').catch((error) => (error.status ? null : undefined));
  if (cluster === null) return;
  if (cluster) draw(section, cluster);
  setTimeout(showCluster, EVERY, section);
}

function draw(section, cluster) {
  section.hidden = false;
  section.dataset.link = cluster.log.server ? 'up' : 'down';
  const [line, list, moving] = section.children.length ? section.children : build(section);
  say(line, head(cluster).join(' · '));
  say(moving, remarks(cluster).join(' · '));
  moving.hidden = !moving.textContent;
  const most = Math.max(1, ...cluster.nodes.map((node) => node.shards));
  const known = new Map([...list.children].map((item) => [item.dataset.node, item]));
  list.replaceChildren(...cluster.nodes.map((node) => {
    const item = known.get(node.node) ?? row(node.node);
    // Of itself the node knows more than the log has.
    const isHere = node.node === cluster.node;
    fill(item, node, { most, isHere, word: isHere ? cluster.phase : state(node) });
    return item;
  }));
}

function build(section) {
  section.append(make('p', { className: 'line' }), make('ol'), make('p', { className: 'remarks' }));
  return section.children;
}

function row(name) {
  const item = make('li', {}, make('b', { textContent: name }), make('span', { className: 'word' }),
    make('progress'), make('span', { className: 'shards' }), make('small'));
  item.dataset.node = name;
  return item;
}

function fill(item, node, { most, isHere, word: stateWord }) {
  const [name, word, bar, shards, more] = item.children;
  item.dataset.word = stateWord;
  name.title = isHere ? `${node.node}, which answers` : node.node;
  item.toggleAttribute('data-here', isHere);
  say(word, stateWord);
  Object.assign(bar, { max: most, value: node.shards });
  bar.setAttribute('aria-label', `shards of ${node.node}`);
  say(shards, `${count(node.shards)} ${node.shards === 1 ? 'shard' : 'shards'}`);
  const labels = Object.entries(node.labels).map(([key, value]) => `${key}=${value}`);
  const renewed = node.renewed_seconds_ago;
  const parts = [isHere && 'answers', renewed !== null && `renewed ${duration(renewed * 1000)} ago`, node.weight !== 1 && `weight ${node.weight}`, ...labels];
  say(more, parts.filter(Boolean).join(' · '));
}

function state({ drains, is_settled: isSettled }) {
  if (drains) return 'draining';
  return isSettled ? 'ready' : 'settling';
}

// This node's lease and its log.
function head({ node, phase, lease_seconds: lease, log, shards, free }) {
  const parts = [`Cluster: ${node}, whose names are listed below, is ${phase}`];
  parts.push(lease === null ? 'no lease' : `may write for ${Math.floor(lease)}s`);
  parts.push(log.server ? 'log is read' : `log cannot be read: ${log.error?.text ?? 'connecting'}`);
  if (!log.server) parts.push('shown as last read');
  else if (shards) parts.push(free ? `${count(free)} shards free` : 'all shards held');
  return parts;
}

// What moves, and what went wrong.
function remarks({ moves, ended, log }) {
  const ways = new Map();
  for (const { from_node: from, to_node: to } of moves) ways.set(`${from} → ${to}`, (ways.get(`${from} → ${to}`) ?? 0) + 1);
  const parts = [...ways].map(([way, number]) => `${way} ${number}`);
  if (parts.length) parts.unshift(`${moves.length} ${moves.length === 1 ? 'shard moves' : 'shards move'}`);
  if (ended) parts.push(`last lost all: ${ended.text}`);
  return [...parts, ...log.differences];
}
