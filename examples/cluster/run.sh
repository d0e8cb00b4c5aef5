#!/usr/bin/env bash
# Starts a NATS server, three nodes of a cluster and a peer, and prints the commands to try. Ctrl-C ends
# all of them. Their data is in a temporary folder, which is then removed.
#
#     examples/cluster/run.sh
#
# Needs nats-server, everwire (or cargo), and python3 with examples/nats/requirements.txt.
# NATS_PORT, PEER_PORT, A_PORT, B_PORT and C_PORT replace the ports 4222, 8765, 9181, 9182 and 9183; EVERWIRE
# and PYTHON replace the programs.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
nats_port=${NATS_PORT:-4222}
peer_port=${PEER_PORT:-8765}
declare -A ports=([a]="${A_PORT:-9181}" [b]="${B_PORT:-9182}" [c]="${C_PORT:-9183}")
declare -A nodes=()

# shellcheck source=examples/started.sh
source "$here/../started.sh"

start_nats_and_peer "$nats_port" "$peer_port"
nats_and_peer=("${children[@]}")
for node in a b c; do
  # Each has a folder of its own, in which its state_dir is, too.
  mkdir "$folder/$node"
  sed "s/NODE/$node/; s/LISTEN/${ports[$node]}/; s/NATS/$nats_port/; s/PEER/$peer_port/" "$here/node.toml" >"$folder/$node/everwire.toml"
  start "$node" "${ports[$node]}" "$folder/$node" "$everwire" run everwire.toml
  nodes[$node]=$!
done

# Waits until all shards are held by the three nodes. Nobody takes any before lease + margin.
are_held() {
  "$everwire" nodes --json --api "http://127.0.0.1:${ports[a]}" 2>/dev/null | "$python" -c '
import json, sys
cluster = json.load(sys.stdin)
nodes = cluster["nodes"]
sys.exit(not (len(nodes) == 3 and all(node["shards"] for node in nodes) and not cluster["free"] and not cluster["moves"]))'
}
echo 'The three nodes run. Until they hold their names, lease + margin have to pass: some 17 seconds.'
for ((i = 0; i < 300; i++)); do
  are_held && break
  sleep 0.2
done
are_held || die "the names are not held; the logs are in $folder"

api=http://127.0.0.1:
cat <<TEXT
All names are held. The pages of the nodes are $api${ports[a]}/, $api${ports[b]}/ and $api${ports[c]}/;
NATS listens on port $nats_port, and the logs are in $folder.

See the nodes, and which of them has a name:
  $everwire nodes --api $api${ports[b]}
  $everwire where market.07 --api $api${ports[b]}

Kill node a. At most lease + margin + 2 s later the other two have its names:
  kill -9 ${nodes[a]}
  watch -n 1 $everwire nodes --api $api${ports[b]}

Start it again. It gets its share back:
  (cd $folder/a && $everwire run everwire.toml)

Have node c give its names away, so that it can be stopped:
  $everwire drain c --api $api${ports[b]}

Ctrl-C ends all of it.
TEXT
# A node may be killed. Without the server or the peer there is nothing to see.
wait -n "${nats_and_peer[@]}" || true
tail -n 5 "$folder"/*.log >&2
die 'the NATS server or the peer has ended'
