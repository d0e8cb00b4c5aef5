#!/usr/bin/env bash
# Fuzzing: libFuzzer, guided by coverage, with AddressSanitizer, over the targets of fuzz/.
#
#   tests/fuzz.sh install                   cargo-fuzz, into .test-env, unless it is there
#   tests/fuzz.sh build                     the fuzzers
#   tests/fuzz.sh check [TARGET...]         a bounded run from a fixed seed, which only a change can fail
#   tests/fuzz.sh run SECONDS [TARGET...]   all targets at once, or these, from their corpora; results go to target/fuzz
#   tests/fuzz.sh replay TARGET FILE...     single inputs
#   tests/fuzz.sh merge [TARGET...]         adds inputs of the last run that cover more to fuzz/corpus
#
# The sanitizer is a flag of nightly compilers. With RUSTC_BOOTSTRAP the stable one accepts it, so no
# other toolchain is needed.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
test_env=${EVERWIRE_TEST_ENV:-$PWD/.test-env}
export PATH=$test_env/cargo/bin:$PATH
# A container may forbid ptrace, which the leak check needs; the targets check the held memory
# themselves.
export ASAN_OPTIONS=detect_leaks=0

cargo_fuzz_version=0.13.2
all_targets=(decoder inflater config expression template)
all_targets+=(decode)
target_dir=${CARGO_TARGET_DIR:-$PWD/target}/fuzz
triple=$(rustc -vV | sed -n 's/^host: //p')
running=()

install() {
  [[ $(cargo fuzz --version 2>/dev/null) == "cargo-fuzz $cargo_fuzz_version" ]] && return
  # The dev profile: it only calls cargo.
  CARGO_TARGET_DIR=$test_env/cargo/target cargo install --quiet --locked --profile dev \
    --root "$test_env/cargo" --version "$cargo_fuzz_version" cargo-fuzz
  rm -rf "$test_env/cargo/target"
}

build() {
  RUSTC_BOOTSTRAP=1 cargo fuzz build --target "$triple" --target-dir "$target_dir"
}

# Replaces the shell by a target's fuzzer, with libFuzzer's flags and paths, so that signals reach it.
# Called last, or in a subshell.
fuzzer() {
  local target=$1
  shift
  mkdir -p "fuzz/artifacts/$target"
  exec "$target_dir/$triple/release/$target" -timeout=30 -rss_limit_mb=2048 -max_len=8192 \
    -artifact_prefix="fuzz/artifacts/$target/" "$@"
}

finds() {
  echo "$target_dir/finds/$1"
}

log() {
  echo "$target_dir/finds/$1.log"
}

# The limits come to 20 seconds on two cores, with the corpora.
check() {
  (($#)) || set -- "${all_targets[@]}"
  all_within check "$@"
}

bounds() {
  case $1:$2 in
    check:decoder) echo -seed=1 -runs=25000 ;;
    check:inflater) echo -seed=1 -runs=40000 ;;
    check:config) echo -seed=1 -runs=1500 ;;
    check:decode) echo -seed=1 -runs=20000 ;;
    check:expression) echo -seed=1 -runs=3000 ;;
    check:template) echo -seed=1 -runs=1000 ;;
    *) echo "-max_total_time=$1" ;;
  esac
}

run() {
  local seconds=$1
  shift
  (($#)) || set -- "${all_targets[@]}"
  all_within "$seconds" "$@"
}

all_within() {
  local bound=$1 target failed=0
  shift
  build
  trap 'kill "${running[@]}" 2>/dev/null || true' EXIT
  for target in "$@"; do
    run_one "$target" "$bound" &
    running+=($!)
  done
  for target in "$@"; do
    wait "${running[0]}" || failed=1
    running=("${running[@]:1}")
    report "$target" || failed=1
  done
  return "$failed"
}

run_one() {
  local target=$1 bound=$2 limits seeds=("fuzz/corpus/$1")
  # The shipped configurations are seeds, too.
  [[ $target == config ]] && seeds+=(config)
  rm -rf "$(finds "$target")"
  mkdir -p "$(finds "$target")"
  read -ra limits < <(bounds "$bound" "$target")
  fuzzer "$target" "${limits[@]}" -print_final_stats=1 -dict="fuzz/dict/$target.dict" \
    "$(finds "$target")" "${seeds[@]}" >"$(log "$target")" 2>&1
}

# Reports a run. It fails without coverage counters or without executions.
report() {
  local target=$1 text executions coverage counters found
  text=$(log "$target")
  executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$text")
  coverage=$(sed -n 's/^#.* cov: \([0-9]*\) .*/\1/p' "$text" | tail -1)
  counters=$(sed -n 's/^INFO: Loaded .*(\([0-9]*\) inline 8-bit counters).*/\1/p' "$text" | head -1)
  found=$(sed -n 's/^artifact_prefix=.*Test unit written to //p' "$text" | tail -1)
  echo "fuzz $target: ${executions:-no} executions, ${coverage:-no} of ${counters:-no} edges covered"
  if [[ -n $found ]]; then
    # From the panic, or from the sanitizer's report.
    grep -a -m1 -A12 -E "panicked at|ERROR: " "$text" >&2 || true
    echo "fuzz $target: failed on $found; replay it with: tests/fuzz.sh replay $target $found" >&2
    return 1
  fi
  if ((${executions:-0} == 0 || ${counters:-0} == 0)); then
    tail -20 "$text" >&2
    return 1
  fi
}

replay() {
  build
  fuzzer "$@"
}

merge() {
  local target
  (($#)) || set -- "${all_targets[@]}"
  build
  for target in "$@"; do
    # Only short inputs, and only new edges, so that the corpora stay small.
    fuzzer "$target" -max_len=1024 -set_cover_merge=1 -use_counters=0 "fuzz/corpus/$target" "$(finds "$target")" 2>&1 | grep '^MERGE-OUTER'
  done
}

case "${1:-}" in
  install) install ;;
  build) build ;;
  check) shift && check "$@" ;;
  run) shift && run "${1:?SECONDS is missing}" "${@:2}" ;;
  replay) shift && replay "${1:?TARGET is missing}" "${@:2}" ;;
  merge) shift && merge "$@" ;;
  *) sed -n '2,10s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
