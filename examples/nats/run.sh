#!/usr/bin/env bash
# Starts a NATS server, an everwire with a bridge to it, and a peer, and prints the commands to try.
# Ctrl-C ends all three. Their data is in a temporary folder, which is then removed.
#
#     examples/nats/run.sh
#
# Needs nats-server, everwire (or cargo), and python3 with examples/nats/requirements.txt.
# NATS_PORT, EVERWIRE_PORT and PEER_PORT replace the ports 4222, 9180 and 8765; EVERWIRE and PYTHON
# replace the programs.
# shellcheck disable=SC2317 # end is called by a trap
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
nats_port=${NATS_PORT:-4222}
everwire_port=${EVERWIRE_PORT:-9180}
peer_port=${PEER_PORT:-8765}
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

command -v nats-server >/dev/null || die 'nats-server is missing: apt install nats-server, or https://github.com/nats-io/nats-server/releases'
"$python" -c 'import websockets' 2>/dev/null || die "the peer needs websockets: $python -m pip install -r $here/requirements.txt"
if [[ -n ${EVERWIRE:-} ]]; then
  everwire=$EVERWIRE
elif command -v everwire >/dev/null; then
  everwire=everwire
else
  cargo build --release --manifest-path "$here/../../Cargo.toml" -p everwire-cli
  everwire=${CARGO_TARGET_DIR:-$here/../../target}/release/everwire
fi

nats-server -a 127.0.0.1 -p "$nats_port" -js -sd "$folder/nats" >"$folder/nats-server.log" 2>&1 &
children+=("$!")
listens nats-server "$nats_port" "$!"
"$python" "$here/peer.py" "$peer_port" >"$folder/peer.log" 2>&1 &
children+=("$!")
listens peer "$peer_port" "$!"
# The same configuration, with the requested ports.
sed "s/:4222/:$nats_port/; s/:9180/:$everwire_port/; s/:8765/:$peer_port/" "$here/everwire.toml" >"$folder/everwire.toml"
(cd "$folder" && exec "$everwire" run everwire.toml) >"$folder/everwire.log" 2>&1 &
children+=("$!")
everwire_pid=$!
listens everwire "$everwire_port" "$everwire_pid"

url=
((nats_port == 4222)) || url="NATS_URL=nats://127.0.0.1:$nats_port "
cat <<TEXT
NATS listens on port $nats_port, everwire's page is http://127.0.0.1:$everwire_port/, and the logs are in $folder.

Read what comes in, in order and each message once:
  $url$python $here/read.py
  nats sub 'everwire.in.market.>'

Send through a name, and hear what becomes of the message:
  (cd $here && npm ci && ${url}node request.mjs account.main '{"op":"ping"}')
  nats req everwire.out.account.main '{"op":"ping"}'

Ctrl-C ends all of it.
TEXT
wait -n "${children[@]}" || true
tail -n 5 "$folder"/*.log >&2
die 'one of the three has ended'
