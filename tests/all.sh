#!/usr/bin/env bash
# Installs the test requirements, and runs all tests.
#
#   tests/all.sh                all stages
#   tests/all.sh install        only installs missing requirements, into .test-env
#   tests/all.sh STAGE...       installs missing requirements, then runs these stages
#   tests/all.sh autobahn_all   all 517 cases of Autobahn, in a quarter of an hour
#   tests/all.sh chaos_long     ten minutes of chaos instead of one
#   tests/all.sh crash_long     200 kills instead of 20
#   tests/all.sh nats_long      50 kills of the program with a bridge to NATS, and of 10 leaders of a cluster
#   tests/all.sh fuzz_long      ten minutes of fuzzing instead of half a minute
#   tests/all.sh property_long  ten minutes of property tests from other seeds
#   EVERWIRE_SEEDS=100000 tests/all.sh simulation   100,000 lives of a name, and of a cluster, instead of 10,000
#   tests/all.sh language_long  1,000,000 random expressions and messages, 100,000 hostile values in templates
#
# A stage that cannot run fails. Each prints its duration; the table at the end has all results.
# Needs cargo with clippy and rustfmt; the rest is installed. CARGO_TARGET_DIR is honoured.
# shellcheck disable=SC2317 # stages are called by name
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
test_env=${EVERWIRE_TEST_ENV:-$PWD/.test-env}
export EVERWIRE_TEST_ENV=$test_env
export CARGO_TERM_COLOR=${CARGO_TERM_COLOR:-never}
export PATH=$test_env/cargo/bin:$PATH:/usr/sbin
# Incremental data is half of the build output. Set it to 1 if you edit and build repeatedly.
export CARGO_INCREMENTAL=${CARGO_INCREMENTAL:-0}

stages=(scripts format clippy clippy_core build tests recipes bridge servers nats cluster bare simulation crash chaos doc_tests docs book package core_deps deny autobahn schemathesis clients browser fuzz)
slow=180
# The parallelism of tests that mostly wait for a peer.
waiting=8
# With all crates at once there is one set of features, so nothing is built twice.
whole=(--locked --workspace)
simulation=connection::simulation
cluster_lives=placement::tests::lives
deny_version=0.20.2
deb_version=3.8.0
mdbook_version=0.5.4
table=()
failed=0

# Background processes, which end with the stages.
behind=()

main() {
  local wanted=("$@") name
  stage install install
  if [[ ${wanted[*]} == install ]]; then
    stage tools install_cargo_tools
  fi
  if ((failed)) || [[ ${wanted[*]} == install ]]; then
    report
  fi
  if ((${#wanted[@]} == 0)); then
    wanted=("${stages[@]}")
  fi
  trap '((${#behind[@]} == 0)) || kill "${behind[@]}" 2>/dev/null || true' EXIT
  install_tools_behind
  for name in "${wanted[@]}"; do
    # The recipes begin a group of stages that mostly wait.
    [[ $name == recipes && " ${wanted[*]} " == *' fuzz '* ]] && build_fuzzers
    stage "$name" "stage_$name"
  done
  report
}

# Builds the fuzzers in the background, with idle processor time. The fuzz stage itself waits for
# cargo's lock, and reports errors.
build_fuzzers() {
  (tools_are_there && timeout 1800 nice -n 19 tests/fuzz.sh build) >/dev/null 2>&1 &
  behind+=($!)
}

# Compiles the tools of later stages in the background, with idle processor time.
install_tools_behind() {
  exec 9>"$test_env/tools.lock"
  flock 9
  (
    renice -n 19 "$BASHPID" >/dev/null
    install_cargo_tools
  ) >"$test_env/tools.log" 2>&1 &
  behind+=($!)
  # From here on only the background process holds the lock.
  exec 9>&-
}

# Waits for those tools. A failed installation is repeated, and prints its error.
tools_are_there() {
  flock "$test_env/tools.lock" true
  install_cargo_tools
}

# Runs a function as a stage. After a failure the next stage still runs.
stage() {
  local name=$1 function=$2 start=$SECONDS code verdict=ok
  echo "== $name"
  if ! declare -F "$function" >/dev/null; then
    echo "there is no stage $name; there are: install ${stages[*]}" >&2
    exit 2
  fi
  # Not 'if ( … )': the shell would ignore failures inside.
  set +e
  (
    set -e
    "$function"
  )
  code=$?
  set -e
  if ((code)); then
    verdict=FAILED
    failed=1
  fi
  local seconds=$((SECONDS - start))
  echo "== $name: $verdict, $seconds s"
  if ((seconds > slow)); then
    echo "warning: $name took $seconds s, more than $slow s" >&2
  fi
  table+=("$(printf '%-12s %5d s  %s' "$name" "$seconds" "$verdict")")
}

report() {
  echo
  printf '%s\n' "${table[@]}" "$(printf '%-12s %5d s' all "$SECONDS")"
  exit "$failed"
}

# --- requirements

install() {
  local command
  for command in cargo 'cargo clippy' 'cargo fmt'; do
    $command --version >/dev/null || die "$command is missing: install Rust with its clippy and rustfmt components"
  done
  mkdir -p "$test_env"
  need c++ g++
  need python3 python3
  need curl curl
  need node nodejs
  need npm npm
  need shellcheck shellcheck
  need promtool prometheus
  need unshare util-linux
  need ip iproute2
  need make make
  need tinyproxy tinyproxy-bin
  need microsocks microsocks
  need nginx nginx
  need mosquitto mosquitto
  need nats-server nats-server
  need rabbitmqctl rabbitmq-server
  need chromium chromium
  need chromedriver chromium-driver
  need dpkg-shlibdeps dpkg-dev
  need systemd-analyze systemd
  need man man-db
  need lintian lintian
  python3 -c 'import ensurepip' 2>/dev/null || apt_install python3-venv
  install_venv python tests/servers/python/requirements.txt
  install_venv schemathesis crates/everwire-cli/tests/schemathesis/requirements.txt
  install_venv bridge/python crates/everwire-cli/tests/bridge/python/requirements.txt
  install_venv jupyter tests/servers/dialogue/requirements.txt
  install_venv book packaging/book/requirements.txt
  install_node node tests/servers/node
  install_node bridge/node crates/everwire-cli/tests/bridge/node
  install_venv example_nats/python examples/nats/requirements.txt
  install_node example_nats/node examples/nats
  install_venv clients/python clients/python/requirements.txt
  install_node clients/typescript clients/typescript
  tests/autobahn.sh install
}

# Sequentially, since each cargo uses all cores.
install_cargo_tools() {
  install_deny
  tests/fuzz.sh install
  install_cargo cargo-deb "$deb_version" --no-default-features
  install_cargo mdbook "$mdbook_version" --no-default-features --features search
}

install_venv() {
  local to=$test_env/$1 requirements=$2
  cmp -s "$requirements" "$to/installed" && return
  rm -rf "$to"
  python3 -m venv "$to"
  "$to/bin/pip" install -q --disable-pip-version-check -r "$requirements"
  cp "$requirements" "$to/installed"
}

install_node() {
  local to=$test_env/$1 from=$2
  cmp -s "$from/package-lock.json" "$to/installed" && return
  rm -rf "$to"
  mkdir -p "$to"
  cp "$from/package.json" "$from/package-lock.json" "$to"
  npm ci --prefix "$to" --no-audit --no-fund --ignore-scripts --loglevel=error
  cp "$from/package-lock.json" "$to/installed"
}

install_deny() {
  [[ $(cargo deny --version 2>/dev/null) == "cargo-deny $deny_version" ]] && return
  install_cargo cargo-deny "$deny_version"
}

install_cargo() {
  local name=$1 version=$2
  shift 2
  grep -qsF "\"$name $version " "$test_env/cargo/.crates.toml" && return
  # The dev profile: it runs only a few times, and is compiled on every new machine.
  CARGO_PROFILE_DEV_DEBUG=0 CARGO_TARGET_DIR=$test_env/cargo/target cargo install --quiet --locked --profile dev \
    --root "$test_env/cargo" --version "$version" "$@" "$name"
  rm -rf "$test_env/cargo/target"
}

need() {
  command -v "$1" >/dev/null || apt_install "$2"
}

apt_install() {
  command -v apt-get >/dev/null || die "$1 is missing, and there is no apt-get to install it with"
  local as_root=()
  if ((EUID)); then
    as_root=(sudo)
  fi
  "${as_root[@]}" apt-get update -q
  # RUNLEVEL=1: daemons are installed, but not started.
  DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 "${as_root[@]}" apt-get install -y -q --no-install-recommends "$1"
}

die() {
  echo "$*" >&2
  exit 1
}

# --- the stages

stage_scripts() {
  shellcheck -x .ci/run tests/*.sh tests/servers/*/*.sh crates/*/tests/*.sh clients/*.sh examples/*.sh examples/*/*.sh packaging/*.sh packaging/debian/postrm
  tests/subjects.sh
}

stage_format() {
  cargo fmt --all --check
  cargo fmt --check --manifest-path fuzz/Cargo.toml
}

stage_clippy() {
  cargo clippy "${whole[@]}" --all-targets -- -D warnings
}

# The library without default features.
stage_clippy_core() {
  cargo clippy --locked -p everwire --lib --no-default-features -- -D warnings
}

# Includes examples, benches and tests; the tests run the programs built here.
stage_build() {
  cargo build "${whole[@]}" --all-targets
}

# Property tests start from a fixed seed, so that only a change can fail them; property_long uses
# others.
stage_tests() {
  export PROPTEST_RNG_SEED=1
  local targets=() name run=(cargo test --no-fail-fast "${whole[@]}") code=0
  while read -r name; do
    targets+=(--test "$name")
  done < <(integration_tests | grep -vxE 'autobahn|bridge|browser|chaos|cli_recipes|cli_rehearse|crash|dialogue|nats|nats_server|cluster|cluster_faces|cluster_log|panics|recipes|servers')
  "${run[@]}" --lib --bins --example protocol "${targets[@]}" -- --skip "$simulation" || code=1
  "${run[@]}" --test cli_rehearse --test dialogue -- --test-threads="$waiting" || code=1
  return "$code"
}

# Each recipe with servers that check what the real ones check, and in a rehearsal; prints the result
# of each.
stage_recipes() {
  cargo test "${whole[@]}" --test recipes -- --test-threads="$waiting"
  cargo test "${whole[@]}" --test cli_recipes -- --nocapture
}

# The library alone: its refusals without features, and the effect of a panic on a name. The program
# must not contain the code that makes a name panic: its text is searched in the program, and, to
# verify the search, in a test that has it.
stage_bare() {
  local bare=(--locked -p everwire --no-default-features --features "testing faults") tests words='a panic that was asked for'
  cargo test "${bare[@]}" --lib -- manager:: persistence::
  cargo test "${bare[@]}" --test panics
  tests=$(cargo test "${bare[@]}" --test panics --no-run --message-format json | python3 -c '
import json, sys
for line in sys.stdin:
    print(json.loads(line).get("executable") or "", end="")
')
  cargo build "${whole[@]}" --all-targets
  grep -qa "$words" "$tests" || die "$tests does not say \"$words\": this test looks for what is not there"
  ! grep -qa "$words" "${CARGO_TARGET_DIR:-target}/debug/everwire" || die "the program can be made to panic"
}

# Unmodified clients with their own servers, with and without the raw bridge; prints how long each
# takes to reconnect.
stage_bridge() {
  timeout 300 cargo test "${whole[@]}" --test bridge -- --nocapture --test-threads=5
}

# Real servers, with the configurations of examples/dialogue: restarted, and frozen for half a minute.
# All at once, since they mostly wait.
stage_servers() {
  timeout 300 cargo test "${whole[@]}" --test servers -- --nocapture --test-threads="$waiting"
}

# The bridge to NATS with real servers: killed, frozen, full, with other credentials, permissions and
# streams; the program with the bridge, which is killed, too; and its example. They mostly wait.
stage_nats() {
  timeout 300 cargo test --no-fail-fast "${whole[@]}" --test nats_server --test nats -- --test-threads="$waiting"
  examples/nats/test.sh
}

# Nodes of a cluster with real servers: killed, frozen past their lease, cut off, restarted; a log that
# goes back; and the example. They mostly wait for leases, all at once.
stage_cluster() {
  local name code=0 running=() tests=(cluster_log cluster cluster_faces)
  cargo test "${whole[@]}" --no-run "${tests[@]/#/--test=}"
  for name in "${tests[@]}"; do
    timeout 300 cargo test --no-fail-fast "${whole[@]}" --test "$name" -- --test-threads=16 &
    running+=($!)
  done
  for name in "${running[@]}"; do
    wait "$name" || code=1
  done
  examples/cluster/test.sh || code=1
  return "$code"
}

# 10,000 lives of a name under virtual time.
stage_simulation() {
  EVERWIRE_SEEDS=${EVERWIRE_SEEDS:-10000} cargo test "${whole[@]}" --lib -- --nocapture "$simulation" "$cluster_lives"
}

# kill -9, 20 times.
stage_crash() {
  cargo test "${whole[@]}" --test crash -- --nocapture
}

# A minute of a bad network.
stage_chaos() {
  cargo test "${whole[@]}" --test chaos -- --nocapture
}

# On request only.
stage_crash_long() {
  EVERWIRE_ROUNDS=200 stage_crash
}

# On request only.
stage_chaos_long() {
  EVERWIRE_CHAOS=600 stage_chaos
}

# On request only. 10,000 messages through 100 names.
stage_nats_long() {
  EVERWIRE_NATS_KILLS=50 cargo test "${whole[@]}" --test nats -- --nocapture kills::
  EVERWIRE_NATS_LEADERS=10 cargo test "${whole[@]}" --test nats_server -- --nocapture cluster::
}

# On request only. A find is kept beside its test in proptest-regressions, which CONTRIBUTING.md speaks of.
stage_property_long() {
  local run=(cargo test --quiet "${whole[@]}") end=$((SECONDS + 600)) seed
  local holders=(--lib --test config_properties --test store --test wire_codec)
  "${run[@]}" "${holders[@]}" --no-run
  while ((SECONDS < end)); do
    seed=$((RANDOM << 30 | RANDOM << 15 | RANDOM))
    echo "PROPTEST_RNG_SEED=$seed, $((end - SECONDS)) s left"
    PROPTEST_RNG_SEED=$seed "${run[@]}" "${holders[@]}" -- --skip "$simulation"
  done
}

# About six minutes in a debug build.
stage_language_long() {
  local run=(cargo test --quiet --locked -p everwire-proto --lib)
  EVERWIRE_LANGUAGE_CASES=1000000 "${run[@]}" -- language::expression::tests::properties::nothing_panics
  EVERWIRE_LANGUAGE_CASES=100000 "${run[@]}" -- language::message_template::tests::hostile
}

integration_tests() {
  cargo metadata --locked --no-deps --format-version 1 | python3 -c '
import json, sys
for package in json.load(sys.stdin)["packages"]:
    for target in package["targets"]:
        if "test" in target["kind"]:
            print(target["name"])
' | sort -u
}

stage_doc_tests() {
  cargo test "${whole[@]}" --doc
}

stage_docs() {
  RUSTDOCFLAGS="-D warnings" cargo doc "${whole[@]}" --no-deps
}

# The site of docs/. Links are checked on the site, and in the documents themselves.
stage_book() {
  tools_are_there
  local out=${CARGO_TARGET_DIR:-target}/book
  packaging/book/build.py "$out"
  links_hold --root-dir "$(realpath "$out/html")" --exclude-path 404.html "$out/html/**/*.html"
  # The errors quote invalid URLs, and their links were checked on the site.
  links_hold --exclude-path docs/errors.md ./*.md 'docs/*.md'
}

# Files and anchors, without links to other sites.
links_hold() {
  "$test_env/book/bin/lychee" --offline --include-fragments --no-progress "$@"
}

# Checked by lintian, installed on this machine, checked and removed. Refuses if everwire is already installed.
stage_package() {
  tools_are_there
  cargo build "${whole[@]}" --all-targets
  tests/package.sh "${CARGO_TARGET_DIR:-target}/debug/everwire"
}

# A library user without default features gets no web server, command line or page.
stage_core_deps() {
  local found
  found=$(cargo tree --locked -p everwire -e normal --no-default-features --prefix none |
    grep -E '^(actix-web|actix-web-actors|clap|prometheus-client|ratatui|tracing-subscriber|utoipa) ' || true)
  [[ -z $found ]] || die "the library depends on what only the service needs: $found"
}

stage_deny() {
  tools_are_there
  cargo deny --locked --workspace check bans licenses sources
  # The database of advisories is a remote git repository, which some machines cannot reach.
  if timeout 60 cargo deny --locked fetch db >/dev/null 2>&1; then
    cargo deny --locked --workspace check --disable-fetch advisories
  else
    echo "warning: the database of advisories cannot be fetched from here; advisories are not checked" >&2
  fi
}

stage_autobahn() {
  cargo test "${whole[@]}" --test autobahn
}

stage_schemathesis() {
  # Together with one of its tests, so that it has the same features as in the build of all crates.
  cargo test "${whole[@]}" --no-run --test service_run
  crates/everwire-cli/tests/schemathesis.sh
}

# The clients for Python and TypeScript, with the program.
stage_clients() {
  # Together with one of its tests, so that it has the same features as in the build of all crates.
  cargo test "${whole[@]}" --no-run --test service_run
  clients/test.sh
}

# The screenshots are left in target/tmp/browser.
stage_browser() {
  timeout 300 cargo test "${whole[@]}" --test browser -- --test-threads=2
}

# On request only.
stage_autobahn_all() {
  cargo test "${whole[@]}" --test autobahn -- --ignored --nocapture
}

# From a fixed seed, all at once. CONTRIBUTING.md describes what to do with a failure.
stage_fuzz() {
  tools_are_there
  tests/fuzz.sh check
}

# On request only.
stage_fuzz_long() {
  tools_are_there
  tests/fuzz.sh run 600
}

main "$@"
