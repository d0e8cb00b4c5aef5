#!/usr/bin/env bash
# Starts a NATS server, an everwire with a bridge to it, and a peer, and prints the commands to try.
# Ctrl-C ends all three. Their data is in a temporary folder, which is then removed.
#
#     examples/nats/run.sh
#
# Needs nats-server, everwire (or cargo), and python3 with examples/nats/requirements.txt.
# NATS_PORT, EVERWIRE_PORT and PEER_PORT replace the ports 4222, 9180 and 8765; EVERWIRE and PYTHON
# replace the programs.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
nats_port=${NATS_PORT:-4222}
everwire_port=${EVERWIRE_PORT:-9180}
peer_port=${PEER_PORT:-8765}
# shellcheck source=examples/started.sh
source "$here/../started.sh"

start_nats_and_peer "$nats_port" "$peer_port"
# The same configuration, with the requested ports.
sed "s/:4222/:$nats_port/; s/:9180/:$everwire_port/; s/:8765/:$peer_port/" "$here/everwire.toml" >"$folder/everwire.toml"
start everwire "$everwire_port" "$folder" "$everwire" run everwire.toml

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
