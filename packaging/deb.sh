#!/usr/bin/env bash
# Builds the Debian package, target/debian/everwire_VERSION_ARCH.deb, and prints its path.
# CARGO_TARGET_DIR is honoured.
#
#   packaging/deb.sh [OPTION...]                       with the release program, which is built first
#   packaging/deb.sh --program FILE [OPTION...]        with an existing program
#
# Further options are passed to cargo-deb. Needs cargo-deb 3.8 (cargo install --locked cargo-deb) and dpkg-dev.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
target=${CARGO_TARGET_DIR:-$PWD/target}
program=$target/release/everwire
if [[ ${1:-} == --program ]]; then
  program=${2:?"which program?"}
  shift 2
else
  cargo build --locked --release -p everwire-cli
fi

# cargo-deb takes built files from target/release. With a separate target folder the package is the
# same for each profile. The folder also has the files that the program itself generates.
folder=$target/package
made=$folder/release/packaging
rm -rf "$folder"
mkdir -p "$made"
cp "$program" "$folder/release/everwire"
"$program" man --out "$made/man"
gzip --best --no-name "$made"/man/*
"$program" completions bash >"$made/everwire.bash"
"$program" completions zsh >"$made/_everwire"
"$program" completions fish >"$made/everwire.fish"

# The commit's time, so that the same source gives the same package.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}
export SOURCE_DATE_EPOCH
CARGO_TARGET_DIR=$folder cargo deb --locked --no-build -p everwire-cli --output "$target/debian/" "$@"
