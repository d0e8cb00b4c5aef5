#!/usr/bin/env bash
# Runs the example: what run.sh prints works, and its end leaves nothing behind. `tests/all.sh cluster`
# installs the requirements.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
test_env=${EVERWIRE_TEST_ENV:-$root/.test-env}
export PYTHON=$test_env/example_nats/python/bin/python
export EVERWIRE=${EVERWIRE:-${CARGO_TARGET_DIR:-$root/target}/debug/everwire}
names=30
# Lease + margin are 16.3 s; machines that do much else at once are slower.
patience=90
free_ports() {
  "$PYTHON" -c '
import socket
held = [socket.socket() for _ in range(5)]
for each in held:
    each.bind(("127.0.0.1", 0))
print(*(each.getsockname()[1] for each in held))'
}
read -r NATS_PORT PEER_PORT A_PORT B_PORT C_PORT <<<"$(free_ports)"
export NATS_PORT PEER_PORT A_PORT B_PORT C_PORT
out=$(mktemp)
temporary=$(mktemp -d)
# A shell disables Ctrl-C for background processes, so it is ended by the other signal.
TMPDIR=$temporary "$here/run.sh" >"$out" 2>&1 &
running=$!
end() {
  kill "$running" 2>/dev/null || true
  wait "$running" || true
  rm -rf "$out" "$temporary"
}
trap end EXIT

fails() {
  echo "$*" >&2
  cat "$out" >&2
  exit 1
}

# Waits until a condition holds.
until_so() {
  local what=$1 end=$((SECONDS + patience))
  shift
  until "$@"; do
    ((SECONDS < end)) || fails "not in time: $what"
    kill -0 "$running" 2>/dev/null || fails "run.sh has ended, while waiting: $what"
    sleep 0.2
  done
}

says_what_to_type() {
  grep -q 'Ctrl-C ends all of it' "$out"
}

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

until_so 'run.sh says what to type' says_what_to_type
api=http://127.0.0.1:$B_PORT
for port in "$A_PORT" "$B_PORT" "$C_PORT"; do
  until_so 'all names are open' all_open_by "$port"
done
"$EVERWIRE" nodes --api "$api"
"$EVERWIRE" where market.07 --api "$api"

killed=$(grep -oE 'kill -9 [0-9]+' "$out")
begin=$SECONDS
kill -9 "${killed##* }"
until_so 'the names of the killed node are open again' all_open_by "$C_PORT"
echo "all names are open again $((SECONDS - begin)) s after the kill"

timeout "$patience" "$EVERWIRE" drain c --api "$api" || fails 'the node does not drain'
until_so 'the drained node has none' has_none c
until_so 'the names of the drained node are open on the other one' all_open_by "$C_PORT"

kill "$running"
wait "$running" || true
[[ -z $(ls "$temporary") ]] || fails 'run.sh leaves a folder behind'
for port in "$NATS_PORT" "$PEER_PORT" "$A_PORT" "$B_PORT" "$C_PORT"; do
  if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
    fails "something still listens on port $port"
  fi
done
echo 'the example does what it says'
