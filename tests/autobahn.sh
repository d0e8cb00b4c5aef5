#!/usr/bin/env bash
# Autobahn|Testsuite's fuzzing server: the conformance of WebSocket clients, on loopback only.
#
#   tests/autobahn.sh install                  makes .test-env/autobahn, unless it is there
#   tests/autobahn.sh serve OUTDIR [CASES]     serves until standard input ends; CASES is a JSON list of
#                                              patterns, sections 1 to 10, 12.1, 13.1 and 13.7 if not given
#
# The server prints one line when it is ready: {"ws": PORT}. A client asks /getCaseCount, then runs
# /runCase?case=N&agent=NAME for each, echoing all messages, then /updateReports?agent=NAME. The verdicts are
# in OUTDIR/index.json; tests/autobahn/check.py reads them.
#
# The suite needs Python 2.7 (PYTHON27, pyenv's, or the system's). Without one, kosoku is installed
# instead, which has the same protocol and report.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
env_dir=${EVERWIRE_TEST_ENV:-$here/../.test-env}/autobahn
core_cases='["1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "9.*", "10.*", "12.1.*", "13.1.*", "13.7.*"]'

find_python27() {
  local candidate
  for candidate in "${PYTHON27:-}" "${PYENV_ROOT:-$HOME/.pyenv}"/versions/2.7*/bin/python2.7 /usr/bin/python2.7 /usr/local/bin/python2.7; do
    if [[ -n $candidate && -x $candidate ]] && "$candidate" -c 'import ssl' 2>/dev/null; then
      echo "$candidate"
      return
    fi
  done
  return 1
}

install_suite() {
  local python=$1
  export PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONWARNINGS=ignore PIP_NO_PYTHON_VERSION_WARNING=1
  # 20.15.1 is the last virtualenv for 2.7. The suite needs an environment of its own: with a plain
  # 'pip --target' Python does not find the namespace package zope.interface.
  "$python" -m pip install -q --target "$env_dir/virtualenv" 'virtualenv==20.15.1'
  PYTHONPATH=$env_dir/virtualenv "$python" -m virtualenv -q --no-download --python "$python" "$env_dir/suite"
  rm -rf "$env_dir/virtualenv"
  "$env_dir/suite/bin/pip" install -q 'autobahntestsuite==25.10.1'
}

install() {
  [[ -e $env_dir/installed ]] && return
  rm -rf "$env_dir"
  mkdir -p "$env_dir"
  local python
  if python=$(find_python27); then
    install_suite "$python"
  else
    echo "autobahn: no Python 2.7 here, so kosoku takes the suite's place (it errs on some behaviorClose)" >&2
    python3 -m venv "$env_dir/kosoku"
    "$env_dir/kosoku/bin/pip" install -q --disable-pip-version-check 'kosoku==0.1.0'
  fi
  touch "$env_dir/installed"
}

serve() {
  local out=$1 cases=${2:-$core_cases}
  [[ -e $env_dir/installed ]] || { echo "autobahn: not installed; run tests/autobahn.sh install" >&2; exit 1; }
  mkdir -p "$out"
  if [[ -x $env_dir/suite/bin/python ]]; then
    exec "$env_dir/suite/bin/python" -W ignore -u "$here/autobahn/suite.py" "$out" "$cases"
  fi
  exec "$env_dir/kosoku/bin/python" -u "$here/autobahn/kosoku.py" "$out" "$cases"
}

case "${1:-}" in
  install) install ;;
  serve) serve "${2:?OUTDIR is missing}" "${3:-}" ;;
  *) sed -n '2,14s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
