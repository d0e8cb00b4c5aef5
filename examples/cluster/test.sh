#!/usr/bin/env bash
# Runs the example: what run.sh prints works, and its end leaves nothing behind. `tests/all.sh cluster`
# installs the requirements.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=examples/tested.sh
source "$here/../tested.sh"
names=30
# Lease + margin are 16.3 s; machines that do much else at once are slower.
patience=90
read -r NATS_PORT PEER_PORT A_PORT B_PORT C_PORT <<<"$(free_ports 5)"
export NATS_PORT PEER_PORT A_PORT B_PORT C_PORT
start_run "$here"

# How many names are open, by the node that listens on this port: it asks the others.
open_by() {
  curl -fsS "http://127.0.0.1:$1/v1/connections?state=open&limit=1000" | "$PYTHON" -c '
import json, sys
print(len({one["name"] for one in json.load(sys.stdin)["connections"]}))'
}

all_open_by() {
  [[ $(open_by "$1") == "$names" ]]
}

# Whether a node has no shard.
has_none() {
  "$EVERWIRE" nodes --json --api "$api" | "$PYTHON" -c '
import json, sys
held = {node["node"]: node["shards"] for node in json.load(sys.stdin)["nodes"]}
sys.exit(held[sys.argv[1]] != 0)' "$1"
}

until_so 'run.sh says what to type' "$patience" says_what_to_type
api=http://127.0.0.1:$B_PORT
for port in "$A_PORT" "$B_PORT" "$C_PORT"; do
  until_so 'all names are open' "$patience" all_open_by "$port"
done
"$EVERWIRE" nodes --api "$api"
"$EVERWIRE" where market.07 --api "$api"

killed=$(grep -oE 'kill -9 [0-9]+' "$out")
begin=$SECONDS
kill -9 "${killed##* }"
until_so 'the names of the killed node are open again' "$patience" all_open_by "$C_PORT"
echo "all names are open again $((SECONDS - begin)) s after the kill"

timeout "$patience" "$EVERWIRE" drain c --api "$api" || fails 'the node does not drain'
until_so 'the drained node has none' "$patience" has_none c
until_so 'the names of the drained node are open on the other one' "$patience" all_open_by "$C_PORT"

leaves_nothing "$NATS_PORT" "$PEER_PORT" "$A_PORT" "$B_PORT" "$C_PORT"
