# What the tests of the examples share: test.sh of each sources it. It sets $PYTHON, $EVERWIRE, $out and
# $temporary, and ends run.sh when the shell ends.
# shellcheck shell=bash disable=SC2034,SC2317 # used by those who source it; end_run is called by a trap

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
test_env=${EVERWIRE_TEST_ENV:-$root/.test-env}
export PYTHON=$test_env/example_nats/python/bin/python
export EVERWIRE=${EVERWIRE:-${CARGO_TARGET_DIR:-$root/target}/debug/everwire}
out=$(mktemp)
temporary=$(mktemp -d)

# As many free ports.
free_ports() {
  "$PYTHON" - "$1" <<'P'
import socket, sys
held = [socket.socket() for _ in range(int(sys.argv[1]))]
for each in held:
    each.bind(("127.0.0.1", 0))
print(*(each.getsockname()[1] for each in held))
P
}

# Starts run.sh of a folder. A shell disables Ctrl-C for background processes, so it is ended by the
# other signal.
start_run() {
  TMPDIR=$temporary "$1/run.sh" >"$out" 2>&1 &
  running=$!
}

end_run() {
  kill "$running" 2>/dev/null || true
  wait "$running" || true
  rm -rf "$out" "$temporary"
}
trap end_run EXIT

fails() {
  echo "$*" >&2
  cat "$out" >&2
  exit 1
}

# Waits so many seconds, at most, until a condition holds.
until_so() {
  local what=$1 end=$((SECONDS + $2))
  shift 2
  until "$@"; do
    ((SECONDS < end)) || fails "not in time: $what"
    kill -0 "$running" 2>/dev/null || fails "run.sh has ended, while waiting: $what"
    sleep 0.2
  done
}

says_what_to_type() {
  grep -q 'Ctrl-C ends all of it' "$out"
}

# Ends run.sh, which must leave nothing behind: no folder, and nothing on these ports.
leaves_nothing() {
  kill "$running"
  wait "$running" || true
  [[ -z $(ls "$temporary") ]] || fails 'run.sh leaves a folder behind'
  local port
  for port in "$@"; do
    if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
      fails "something still listens on port $port"
    fi
  done
  echo 'the example does what it says'
}
