#!/usr/bin/env bash
# Runs the example: all commands that run.sh prints work, and Ctrl-C leaves nothing behind.
# `tests/all.sh nats` installs the requirements.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
test_env=${EVERWIRE_TEST_ENV:-$root/.test-env}
export PYTHON=$test_env/example_nats/python/bin/python
export EVERWIRE=${EVERWIRE:-${CARGO_TARGET_DIR:-$root/target}/debug/everwire}
node=$test_env/example_nats/node
free_port() {
  "$PYTHON" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}
NATS_PORT=$(free_port) EVERWIRE_PORT=$(free_port) PEER_PORT=$(free_port)
export NATS_PORT EVERWIRE_PORT PEER_PORT NATS_URL=nats://127.0.0.1:$NATS_PORT
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

for ((i = 0; i < 300; i++)); do
  grep -q 'Ctrl-C ends all of it' "$out" && break
  kill -0 "$running" 2>/dev/null || fails 'run.sh has ended'
  sleep 0.1
done
grep -q 'Ctrl-C ends all of it' "$out" || fails 'run.sh does not say what to type'

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

kill "$running"
wait "$running" || true
[[ -z $(ls "$temporary") ]] || fails 'run.sh leaves a folder behind'
for port in "$NATS_PORT" "$EVERWIRE_PORT" "$PEER_PORT"; do
  if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
    fails "something still listens on port $port"
  fi
done
echo 'the example does what it says'
