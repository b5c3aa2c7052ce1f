#!/usr/bin/env bash
# Makes gen/ again from bench/protos; run it after changing them. Needs Go, and buf from node_modules.
set -euo pipefail
cd "$(dirname "$0")/../../.."
plugins=$(mktemp -d)
trap 'rm -rf "$plugins"' EXIT
export GOBIN=$plugins PATH=$PWD/node_modules/.bin:$plugins:$PATH
go install google.golang.org/protobuf/cmd/protoc-gen-go@v1.36.12
go install google.golang.org/grpc/cmd/protoc-gen-go-grpc@v1.6.2
go install github.com/grpc-ecosystem/grpc-gateway/v2/protoc-gen-grpc-gateway@v2.33.0
modules='{"version":"v2","modules":[{"path":"protos"},{"path":"bench/protos"}]}'
plugin() { printf '{"local":"%s","out":"bench/peers/grpc-gateway","opt":["module=dragoman.dev/bench/grpc-gateway"]}' "$1"; }
template="{\"version\":\"v2\",\"plugins\":[$(plugin protoc-gen-go),$(plugin protoc-gen-go-grpc),$(plugin protoc-gen-grpc-gateway)]}"
paths=(--path bench/protos/helloworld.proto --path bench/protos/orders.proto)
buf generate --config "$modules" --template "$template" "${paths[@]}"
buf build --config "$modules" "${paths[@]}" --path bench/protos/chat.proto --exclude-source-info -o bench/protos/bench.binpb
