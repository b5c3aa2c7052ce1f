#!/usr/bin/env bash
# Runs Autobahn's WebSocket fuzzing client against a method that echoes, or a WebSocket server that is passed on to, through the proxy, and
# prints "N passed, N failed".
# The suite itself (`wstest`, autobahntestsuite 0.8.2) is Python 2. `kosoku` plays the same case files with a runner of its own, from a wheel for
# any Python from 3.10 on, and is what is used where there is no Python 2.7. Both are installed from PyPI into a cache folder
# (DRAGOMAN_JUDGES, or ~/.cache/dragoman-judges).
# usage: autobahn.sh [--target echo|pass-through] [--runner wstest|kosoku] [CASES ...]
#        CASES such as '7.*' '12.1.*'; all unless given, which takes half an hour, most of it 12.* and 13.*
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
root=$here/../..
PATH=$root/node_modules/.bin:$PATH
cache=${DRAGOMAN_JUDGES:-$HOME/.cache/dragoman-judges}

target=echo runner=
while [ $# -gt 0 ]; do
  case $1 in
    --target) target=${2:-} ;;
    --runner) runner=${2:-} ;;
    *) break ;;
  esac
  shift 2
done
case $target:$runner in
  echo: | echo:wstest | echo:kosoku | pass-through: | pass-through:wstest | pass-through:kosoku) ;;
  *)
    echo "autobahn.sh: --target is echo or pass-through, --runner wstest or kosoku" >&2
    exit 2
    ;;
esac

# The first of several Pythons that has pip and for which a condition holds.
python() {
  local condition=$1 candidate
  shift
  for candidate in "$@"; do
    if [ -n "$candidate" ] && "$candidate" -c "import pip, sys; sys.exit(not ($condition))" 2>/dev/null; then
      echo "$candidate"
      return
    fi
  done
}
pip_quietly=(--quiet --no-input --disable-pip-version-check)

python2=
[ "$runner" = kosoku ] || python2=$(python "sys.version_info[:2] == (2, 7)" "${PYTHON2:-}" python2.7 "$HOME"/.pyenv/versions/2.7.*/bin/python2.7)
if [ -n "$python2" ]; then
  runner=wstest
  export PYTHONUSERBASE=$cache/autobahn PYTHONWARNINGS=ignore
  program=$PYTHONUSERBASE/bin/wstest
  if [ ! -x "$program" ]; then
    "$python2" -m pip install --user "${pip_quietly[@]}" --no-warn-script-location autobahntestsuite==0.8.2
  fi
else
  python3=
  [ "$runner" = wstest ] || python3=$(python "sys.version_info >= (3, 10)" "${PYTHON3:-}" python3 /usr/bin/python3)
  if [ -z "$python3" ]; then
    echo "autobahn.sh needs Python 2.7 with pip for wstest (set PYTHON2), or Python 3.10 or later with pip for kosoku (set PYTHON3)" >&2
    exit 3
  fi
  runner=kosoku
  export PYTHONPATH=$cache/kosoku
  program=$PYTHONPATH/bin/kosoku
  if [ ! -x "$program" ]; then
    "$python3" -m pip install --target "$PYTHONPATH" "${pip_quietly[@]}" --root-user-action ignore kosoku==0.1.0
  fi
fi
exec node "$here/autobahn.ts" "$runner" "$program" "$target" "$@"
