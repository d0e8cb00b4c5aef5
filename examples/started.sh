# What the examples that start programs share: run.sh of each sources it. It sets $everwire, $python and
# $folder, and ends what `start` has started when the shell ends.
# shellcheck shell=bash disable=SC2034,SC2154,SC2317 # used by those who source it; end is called by a trap

examples=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
python=${PYTHON:-python3}
folder=$(mktemp -d)
children=()

end() {
  trap - EXIT INT TERM
  local child
  for child in "${children[@]}"; do
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

# Starts a program in this folder, and waits for its port. $! is its id.
start() {
  local what=$1 port=$2 where=$3
  shift 3
  (cd "$where" && exec "$@") >"$folder/$what.log" 2>&1 &
  children+=("$!")
  listens "$what" "$port" "$!"
}

# A server of NATS, and the peer of the examples.
start_nats_and_peer() {
  start nats-server "$1" "$folder" nats-server -a 127.0.0.1 -p "$1" -js -sd "$folder/nats"
  start peer "$2" "$folder" "$python" "$examples/nats/peer.py" "$2"
}

command -v nats-server >/dev/null || die 'nats-server is missing: apt install nats-server, or https://github.com/nats-io/nats-server/releases'
"$python" -c 'import websockets' 2>/dev/null || die "the peer needs websockets: $python -m pip install -r $examples/nats/requirements.txt"
if [[ -n ${EVERWIRE:-} ]]; then
  everwire=$EVERWIRE
elif command -v everwire >/dev/null; then
  everwire=everwire
else
  cargo build --release --manifest-path "$examples/../Cargo.toml" -p everwire-cli
  everwire=${CARGO_TARGET_DIR:-$examples/../target}/release/everwire
fi
