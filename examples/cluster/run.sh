#!/usr/bin/env bash
# Starts a NATS server, three nodes of a cluster and a peer, and prints the commands to try. Ctrl-C ends
# all of them. Their data is in a temporary folder, which is then removed.
#
#     examples/cluster/run.sh
#
# Needs nats-server, everwire (or cargo), and python3 with examples/nats/requirements.txt.
# NATS_PORT, PEER_PORT, A_PORT, B_PORT and C_PORT replace the ports 4222, 8765, 9181, 9182 and 9183; EVERWIRE
# and PYTHON replace the programs.
# shellcheck disable=SC2317 # end is called by a trap
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
nats_port=${NATS_PORT:-4222}
peer_port=${PEER_PORT:-8765}
declare -A ports=([a]="${A_PORT:-9181}" [b]="${B_PORT:-9182}" [c]="${C_PORT:-9183}")
declare -A nodes=()
python=${PYTHON:-python3}
folder=$(mktemp -d)

# Ends what was started here and still runs.
end() {
  trap - EXIT INT TERM
  local child
  for child in $(jobs -pr); do
    kill "$child" 2>/dev/null || true
  done
  wait
  rm -rf "$folder"
}
trap end EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

die() {
  echo "$*" >&2
  exit 1
}

# Waits until a port is open, as long as this child lives.
listens() {
  local what=$1 port=$2 child=$3
  for ((i = 0; i < 200; i++)); do
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && return
    kill -0 "$child" 2>/dev/null || break
    sleep 0.1
  done
  cat "$folder/$what.log" >&2
  die "$what does not listen on port $port"
}

command -v nats-server >/dev/null || die 'nats-server is missing: apt install nats-server, or https://github.com/nats-io/nats-server/releases'
"$python" -c 'import websockets' 2>/dev/null || die "the peer needs websockets: $python -m pip install -r $here/../nats/requirements.txt"
if [[ -n ${EVERWIRE:-} ]]; then
  everwire=$EVERWIRE
elif command -v everwire >/dev/null; then
  everwire=everwire
else
  cargo build --release --manifest-path "$here/../../Cargo.toml" -p everwire-cli
  everwire=${CARGO_TARGET_DIR:-$here/../../target}/release/everwire
fi

nats-server -a 127.0.0.1 -p "$nats_port" -js -sd "$folder/nats" >"$folder/nats-server.log" 2>&1 &
nats=$!
listens nats-server "$nats_port" "$nats"
"$python" "$here/../nats/peer.py" "$peer_port" >"$folder/peer.log" 2>&1 &
peer=$!
listens peer "$peer_port" "$peer"
for node in a b c; do
  # Each has a folder of its own, in which its state_dir is, too.
  mkdir "$folder/$node"
  sed "s/NODE/$node/; s/LISTEN/${ports[$node]}/; s/NATS/$nats_port/; s/PEER/$peer_port/" "$here/node.toml" >"$folder/$node/everwire.toml"
  (cd "$folder/$node" && exec "$everwire" run everwire.toml) >"$folder/$node.log" 2>&1 &
  nodes[$node]=$!
  listens "$node" "${ports[$node]}" "${nodes[$node]}"
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
wait -n "$nats" "$peer" || true
tail -n 5 "$folder"/*.log >&2
die 'the NATS server or the peer has ended'
