#!/usr/bin/env bash
# Runs the example: all commands that run.sh prints work, and Ctrl-C leaves nothing behind.
# `tests/all.sh nats` installs the requirements.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=examples/tested.sh
source "$here/../tested.sh"
node=$test_env/example_nats/node
read -r NATS_PORT EVERWIRE_PORT PEER_PORT <<<"$(free_ports 3)"
export NATS_PORT EVERWIRE_PORT PEER_PORT NATS_URL=nats://127.0.0.1:$NATS_PORT
start_run "$here"
until_so 'run.sh says what to type' 30 says_what_to_type

read=$(timeout 30 "$PYTHON" "$here/read.py" 20) || fails 'read.py does not read 20 messages'
[[ $(grep -c '"market": "btc-usd"' <<<"$read") -gt 5 ]] || fails "there are few of a name: $read"
if grep -E 'missing|dropped' <<<"$read"; then
  fails 'there is a hole'
fi
# The numbers of a name are consecutive; a restarted reader continues.
read+=$'\n'$(timeout 30 "$PYTHON" "$here/read.py" 20) || fails 'read.py does not go on'
"$PYTHON" - "$read" <<'P' || fails "it is out of order: $read"
import json, sys
seen = {}
for line in sys.argv[1].splitlines():
    message = json.loads(line.split(' ', 2)[2])
    name, number = message["market"], message["number"]
    assert seen.setdefault(name, number - 1) == number - 1, (name, number)
    seen[name] = number
assert len(seen) == 2, seen
P

cp "$here/request.mjs" "$node/"
fate=$(cd "$node" && timeout 30 node request.mjs account.main '{"op":"ping"}') || fails "request.mjs: ${fate:-}"
[[ $fate == confirmed ]] || fails "the message is $fate"
fate=$(cd "$node" && timeout 30 node request.mjs account.nobody) && fails "a message for nobody is $fate"
[[ $fate == 'rejected: unknown_name: '* ]] || fails "a message for nobody is $fate"
grep -qF 'the account was sent {"op":"ping"}' "$temporary"/*/peer.log || fails 'the account was sent nothing'

leaves_nothing "$NATS_PORT" "$EVERWIRE_PORT" "$PEER_PORT"
