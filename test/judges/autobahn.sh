#!/usr/bin/env bash
# Runs Autobahn's WebSocket fuzzing client against a method that echoes, or a WebSocket server that is passed on to, through the proxy, and
# prints "N passed, N failed".
# The suite is Python 2 (0.8.2 and what PyPI has after it); it is installed into a cache folder (DRAGOMAN_JUDGES, or ~/.cache/dragoman-judges).
# usage: autobahn.sh [--target echo|pass-through] [CASES ...]     such as '7.*' '12.1.*'; all unless given, which takes some minutes
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
root=$here/../..
PATH=$root/node_modules/.bin:$PATH
target=echo
if [ "${1:-}" = --target ]; then
  target=${2:-}
  shift 2
fi
case $target in
  echo | pass-through) ;;
  *)
    echo "autobahn.sh: --target is echo or pass-through" >&2
    exit 2
    ;;
esac
python=
for candidate in "${PYTHON2:-}" python2.7 "$HOME"/.pyenv/versions/2.7.*/bin/python2.7; do
  if [ -n "$candidate" ] && "$candidate" -c 'import pip' 2>/dev/null; then python=$candidate && break; fi
done
if [ -z "$python" ]; then
  echo "autobahn.sh needs Python 2.7 with pip: set PYTHON2" >&2
  exit 3
fi
export PYTHONUSERBASE=${DRAGOMAN_JUDGES:-$HOME/.cache/dragoman-judges}/autobahn PYTHONWARNINGS=ignore
if [ ! -x "$PYTHONUSERBASE/bin/wstest" ]; then
  "$python" -m pip install --user --quiet --no-input --disable-pip-version-check --no-warn-script-location autobahntestsuite==0.8.2
fi
exec node "$here/autobahn.ts" "$PYTHONUSERBASE/bin/wstest" "$target" "$@"
