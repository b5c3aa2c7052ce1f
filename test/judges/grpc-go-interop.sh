#!/usr/bin/env bash
# Runs grpc-go's interop client against its interop server with the proxy between them, and prints "N passed, N failed".
# Builds both with Go into a cache folder (DRAGOMAN_JUDGES, or ~/.cache/dragoman-judges).
# usage: grpc-go-interop.sh [CASE ...]
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
version=v1.84.0
PATH=$here/../../node_modules/.bin:$PATH:/usr/local/go/bin
export DRAGOMAN_JUDGES=${DRAGOMAN_JUDGES:-$HOME/.cache/dragoman-judges}
cache=$DRAGOMAN_JUDGES/grpc-go

if [ ! -e "$cache/grpc-testing.binpb" ]; then
  mkdir -p "$cache/build"
  cp "$here/grpc-go-interop/descriptors.go" "$cache/build/main.go"
  (
    cd "$cache/build"
    [ -e go.mod ] || go mod init judge
    go get "google.golang.org/grpc/interop/client@$version" "google.golang.org/grpc/interop/server@$version"
    go mod tidy
    source=$(go list -m -f '{{.Dir}}' google.golang.org/grpc)
    cp -f "$source"/testdata/{ca.pem,server1.pem,server1.key} "$cache"
    GOBIN=$cache go install "google.golang.org/grpc/interop/client@$version" "google.golang.org/grpc/interop/server@$version"
    go run . >"$cache/new.binpb"
  )
  mv "$cache/new.binpb" "$cache/grpc-testing.binpb"
fi
exec node "$here/grpc-go-interop/run.ts" "$@"
