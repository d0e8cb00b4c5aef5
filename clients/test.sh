#!/usr/bin/env bash
# Tests both clients with the built program: types first, then behaviour. Both run at once, since
# they mostly wait.
#
#     clients/test.sh [python|typescript]
#
# `tests/all.sh install` installs the requirements. Nothing is written into the sources.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
test_env=${EVERWIRE_TEST_ENV:-$root/.test-env}
target=${CARGO_TARGET_DIR:-$root/target}
python=$test_env/clients/python/bin
typescript=$test_env/clients/typescript
export EVERWIRE_ROOT=$root EVERWIRE_PROGRAM=$target/debug/everwire EVERWIRE_PYTHON=$python/python
export PYTHONDONTWRITEBYTECODE=1
# Proxies of the environment must not be used.
export NO_PROXY=127.0.0.1 no_proxy=127.0.0.1

test_python() {
  cd "$root/clients/python"
  export MYPY_CACHE_DIR=$test_env/clients/mypy
  "$python/mypy" --python-version 3.10
  timeout 120 "$python/pytest" -p no:cacheprovider
}

test_typescript() {
  local part
  for part in src test examples dist build snippets; do
    rm -rf "${typescript:?}/$part"
  done
  cp -r "$root/clients/typescript/." "$typescript"
  cd "$typescript"
  # The first has only the types of browsers, not those of Node.
  node_modules/.bin/tsc -p tsconfig.json
  node_modules/.bin/tsc -p tsconfig.test.json
  timeout 120 node --test --test-reporter dot --test-timeout 60000 build/test/
}

if (($#)); then
  "test_$1"
  exit
fi
# The outputs must not be mixed.
out=$(mktemp)
trap 'rm -f "$out"' EXIT
(test_typescript) >"$out" 2>&1 &
other=$!
failed=0
(test_python) || failed=1
wait "$other" || failed=1
cat "$out"
exit "$failed"
