#!/usr/bin/env bash
# Has schemathesis try the API for a minute: no answer is a 5xx, or other than the OpenAPI document says.
#
#   crates/everwire-cli/tests/schemathesis.sh [SEED]
#
# Whether a request is refused is not compared with the document: that an unknown group or a key of another message is
# wrong cannot be said in it, and a number in a query is a text as well. An answer that does not end (/v1/events) is not waited for.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$here/../../.."
test_env=${EVERWIRE_TEST_ENV:-$PWD/.test-env}
target=${CARGO_TARGET_DIR:-target}
work=$(mktemp -d)
log=$work/log

# What the service keeps goes with the folder.
cp "$here/schemathesis/everwire.toml" "$work"
: >"$log"
"$target/debug/everwire" run "$work/everwire.toml" >"$log" &
service=$!
trap 'kill "$service" && wait "$service"; rm -rf "$work"' EXIT

# The service says where it listens.
listen=
for _ in {1..200}; do
  listen=$(sed -n '/everwire is up/s/.*"listen":"\([^"]*\)".*/\1/p' "$log")
  [[ $listen ]] && break
  sleep 0.05
done
[[ $listen ]] || {
  echo "the service is not up:" >&2
  cat "$log" >&2
  exit 1
}

# What it notes down for its next run is not wanted.
cd "$work"
"$test_env/schemathesis/bin/schemathesis" --config-file "$here/schemathesis/schemathesis.toml" run \
  "http://$listen/openapi.json" --seed "${1:-1}" --max-time 60 --max-examples 50 --request-timeout 30 --no-color \
  --exclude-path /v1/events --exclude-checks positive_data_acceptance,negative_data_rejection --warnings off
