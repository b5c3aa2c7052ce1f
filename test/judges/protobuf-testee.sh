#!/bin/sh
# What protobuf's conformance runner starts. DRAGOMAN_CODEC=compiled|interpreted chooses the codec.
here=$(dirname "$(readlink -f "$0")")
flags=""
[ "${DRAGOMAN_CODEC:-compiled}" = interpreted ] && flags="--disallow-code-generation-from-strings"
exec "$here/../../node_modules/.bin/node" $flags "$here/protobuf-testee.ts"
