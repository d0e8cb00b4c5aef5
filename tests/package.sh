#!/usr/bin/env bash
# Builds the Debian package, checks it with lintian, installs it on this machine, checks the files,
# and removes it.
#
#   tests/package.sh PROGRAM                    with the package of this program
#   EVERWIRE_BLESS=1 tests/package.sh PROGRAM   writes the files of the package to tests/package/files.txt
#
# Refuses if everwire is already installed. Needs root or sudo, cargo-deb, dpkg-dev, lintian, man-db
# and systemd-analyze.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
golden=$here/tests/package/files.txt
config=/etc/everwire/everwire.toml
unit=/usr/lib/systemd/system/everwire.service
examples=/usr/share/doc/everwire/examples
state=/var/lib/private/everwire
# Paths of the package, or of a copy that was installed by hand.
owned=(/usr/bin/everwire /usr/local/bin/everwire /etc/everwire /var/lib/everwire "$state" "$unit"
  /etc/systemd/system/everwire.service /usr/share/doc/everwire)
as_root=()
if ((EUID)); then
  as_root=(sudo)
fi

main() {
  local program=${1:?"which program?"} work package before after
  refuse_where_it_is
  work=$(mktemp -d)
  # shellcheck disable=SC2064 # the present value of work
  trap "leave '$work'" EXIT
  package=$("$here/packaging/deb.sh" --program "$program" --fast | tail -n 1)
  listed "$package" >"$work/files"
  if [[ ${EVERWIRE_BLESS:-} ]]; then
    cp "$work/files" "$golden"
  fi
  diff -u "$golden" "$work/files" || die "the package has other files than $golden: EVERWIRE_BLESS=1 writes them down"
  lintian_is_content "$package"

  before=$work/before after=$work/after
  machine >"$before"
  step "install"
  dpkg_quietly -i "$package"
  installed_files "$package"
  program_runs
  pages_are_clean
  completions_load
  unit_is_sound
  step "a second time, over a configuration that was changed"
  "${as_root[@]}" sh -c "echo '# changed here' >>$config"
  dpkg_quietly -i "$package"
  grep -q '# changed here' "$config" || die "$config was replaced"
  step "purge"
  state_of_a_run
  dpkg_quietly --purge everwire
  machine >"$after"
  diff -u "$before" "$after" || die "the package leaves something behind"
  echo "installed, checked and removed: $(wc -l <"$golden") files and folders"
}

refuse_where_it_is() {
  local path
  if dpkg-query -W -f '${db:Status-Abbrev}' everwire 2>/dev/null | grep -q '^[^un]'; then
    die "a package everwire is installed on this machine already: this test would remove it"
  fi
  for path in "${owned[@]}"; do
    [[ ! -e $path && ! -L $path ]] || die "$path is on this machine already: this test would overwrite or remove it"
  done
}

# Removes everything, even after a failure.
leave() {
  if dpkg-query -W everwire >/dev/null 2>&1; then
    dpkg_quietly --purge everwire
  fi
  rm -rf "$1"
}

# Container images exclude manual pages and documents, but this test needs all files.
dpkg_quietly() {
  local said
  said=$("${as_root[@]}" dpkg --path-include='/usr/share/*' "$@" 2>&1) || die "dpkg $*: $said"
}

# Mode, owner and path of each file of a package.
listed() {
  dpkg-deb --contents "$1" | awk '{ print $1, $2, substr($6, 2) }' | LC_ALL=C sort -k 3
}

# Everything that a package could leave behind: files, users, and the state of systemd's helpers.
machine() {
  {
    "${as_root[@]}" find /etc /usr -xdev -path /etc/ld.so.cache -prune -o -print
    "${as_root[@]}" find /var /run -xdev -name '*everwire*' -not -path '/var/lib/dpkg/*' -print
    sed 's/^/user /' /etc/passwd
    sed 's/^/group /' /etc/group
  } | LC_ALL=C sort
}

# Policy and usual mistakes. The exceptions, with their reasons, are in packaging/debian/lintian-overrides.
lintian_is_content() {
  step "lintian"
  lintian --allow-root --fail-on error,warning "$1" || die "lintian complains of $1"
}

installed_files() {
  local said
  said=$(dpkg --verify everwire)
  [[ -z $said ]] || die "dpkg --verify: $said"
  [[ $(stat -c '%U:%G %a' "$config") == 'root:root 644' ]] || die "$config: $(stat -c '%U:%G %a' "$config")"
  grep -q 'MIT or Apache-2.0' /usr/share/doc/everwire/copyright || die "the copyright says another licence"
}

program_runs() {
  local version
  version=$(dpkg-query -W -f '${Version}' everwire)
  step "everwire --version: $(/usr/bin/everwire --version)"
  [[ $(/usr/bin/everwire --version) == "everwire ${version%-*}" ]] || die "the package is of version $version"
  [[ $(dpkg-parsechangelog -l "$here/packaging/debian/changelog" -S Version) == "$version" ]] ||
    die "packaging/debian/changelog does not begin with version $version"
  /usr/bin/everwire check "$config"
  /usr/bin/everwire check "$examples/everwire.toml"
}

# The formatter reports no warning, and each page has a line for apropos.
pages_are_clean() {
  local page said
  for page in /usr/share/man/man1/everwire*.1.gz; do
    said=$(LC_ALL=C.UTF-8 MANROFFSEQ='' MANWIDTH=80 man --warnings -E UTF-8 -l -Tutf8 -Z "$page" 2>&1 >/dev/null)
    [[ -z $said ]] || die "$page: $said"
    lexgrog "$page" >/dev/null || die "$page has no line for apropos"
  done
  for page in everwire everwire-run everwire-ls everwire-why; do
    # Only the path: a page that root displays is cached in /var/cache/man.
    [[ $(man --where "$page") == "/usr/share/man/man1/$page.1.gz" ]] || die "man does not find $page"
  done
}

completions_load() {
  bash -c 'source /usr/share/bash-completion/completions/everwire && complete -p everwire' >/dev/null
}

# Neither started nor enabled, and valid for systemd.
unit_is_sound() {
  local said
  said=$(systemctl is-enabled everwire.service || true)
  [[ $said == disabled ]] || die "the unit is $said"
  step "systemd-analyze verify"
  # Without the page that it names: root's man would cache it. pages_are_clean has looked for it.
  said=$(systemd-analyze verify --man=no everwire.service 2>&1)
  [[ -z $said ]] || die "systemd-analyze verify: $said"
  # From 0, fully confined, to 10, unconfined.
  systemd-analyze security --offline=true --threshold=20 --no-pager everwire.service | tail -n 1
}

# The files that systemd creates for a service with a dynamic user.
state_of_a_run() {
  "${as_root[@]}" sh -c "mkdir -p $state && touch $state/store.db && ln -s private/everwire /var/lib/everwire"
}

step() {
  echo "-- $*"
}

die() {
  echo "$*" >&2
  exit 1
}

main "$@"
