#!/usr/bin/env bash
# Runs connectrpc.com/conformance with the proxy between its clients and its servers, and prints "N passed, N failed" for each part.
# Builds the runner with Go, and its schema with buf, into a cache folder (DRAGOMAN_JUDGES, or ~/.cache/dragoman-judges).
# usage: connect-conformance.sh [server|client|connect-server|connect-client ...] [-- FLAGS OF connectconformance, such as --run 'Basic/**' or --trace]
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
root=$here/../..
version=v1.0.5
PATH=$root/node_modules/.bin:$PATH:/usr/local/go/bin
export DRAGOMAN_JUDGES=${DRAGOMAN_JUDGES:-$HOME/.cache/dragoman-judges}
bin=$DRAGOMAN_JUDGES/bin
mkdir -p "$bin"

module=connectrpc.com/conformance
for program in connectconformance referenceserver referenceclient grpcserver grpcclient; do
  [ -x "$bin/$program" ] || GOBIN=$bin go install "$module/cmd/$program@$version"
done
if [ ! -e "$DRAGOMAN_JUDGES/conformance.binpb" ]; then
  source=$(cd / && go mod download -json "$module@$version" | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')
  copy=$(mktemp -d)
  cp -r "$source/proto/." "$copy" && chmod -R u+w "$copy" && printf 'version: v2\n' >"$copy/buf.yaml"
  (cd "$copy" && buf build --as-file-descriptor-set -o "$DRAGOMAN_JUDGES/conformance.binpb")
  rm -rf "$copy"
fi

parts=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do parts+=("$1") && shift; done
[ $# -gt 0 ] && shift
[ ${#parts[@]} -gt 0 ] || parts=(server client connect-server connect-client)

# The runner's own words but for its progress, then the line of the part.
failures=0
run() {
  local part=$1 log status=0
  shift
  log=$(mktemp)
  "$bin/connectconformance" "$@" >"$log" 2>&1 || status=$?
  grep -v '^Running\|^Loaded\|^Computed\|^[0-9]* passed' "$log" || true
  echo "$part: $(sed -nE 's/^([0-9]+) passed, ([0-9]+) failed.*/\1 passed, \2 failed/p' "$log" | tail -1)"
  rm -f "$log"
  [ $status -eq 0 ] || failures=1
}

for part in "${parts[@]}"; do
  case $part in
    server)
      for backend in referenceserver grpcserver; do
        conf=server.yaml
        [ $backend = referenceserver ] || conf=server-grpc-go.yaml
        DRAGOMAN_BACKEND=$backend run "reference clients -> proxy -> $backend" --mode server --conf "$here/connect-conformance/$conf" "$@" \
          -- node "$here/connect-conformance/server-under-test.ts"
      done
      ;;
    client)
      for speaks in "grpc proto" "grpc-web proto" "connect proto" "grpc json" "grpc-web json" "connect json"; do
        conf=client.yaml
        [ "${speaks#* }" = proto ] || conf=client-json.yaml
        DRAGOMAN_SPEAKS=$speaks run "$speaks client -> proxy -> reference servers" --mode client --conf "$here/connect-conformance/$conf" "$@" \
          -- node "$here/connect-conformance/client-under-test.ts"
      done
      ;;
    connect-server)
      for upstream in connect connect+http1; do
        conf=server-connect.yaml
        [ $upstream = connect ] || conf=server-connect-http1.yaml
        DRAGOMAN_UPSTREAM=$upstream run "reference clients -> proxy -> $upstream://" --mode server --conf "$here/connect-conformance/$conf" "$@" \
          -- node "$here/connect-conformance/server-under-test.ts"
      done
      ;;
    connect-client)
      for speaks in "connect proto" "grpc proto" "grpc-web proto"; do
        conf=client-connect.yaml
        [ "${speaks% *}" = connect ] || conf=client-connect-translated.yaml
        DRAGOMAN_UPSTREAM=connect DRAGOMAN_SPEAKS=$speaks run "$speaks client -> proxy -> reference servers, by Connect" \
          --mode client --conf "$here/connect-conformance/$conf" "$@" -- node "$here/connect-conformance/client-under-test.ts"
      done
      ;;
    *)
      echo "unknown part $part: server, client, connect-server or connect-client" >&2
      exit 2
      ;;
  esac
done
exit $failures
