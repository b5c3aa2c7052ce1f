#!/usr/bin/env bash
# Brings the outside judges that tests use: Debian's packages where apt-get and root are at hand, h2spec and grpcurl with
# Go at the versions of tools/go.sum (into GOBIN, or ~/go/bin). Nothing is installed twice.
set -euo pipefail
cd "$(dirname "$0")"
PATH=$PATH:/usr/sbin:/usr/local/go/bin:$HOME/go/bin

packages=()
want() { command -v "$1" >/dev/null || packages+=("$2"); }
want h2load nghttp2-client
want nghttp nghttp2-client
want wrk wrk
want nginx nginx
want haproxy haproxy
want curl curl
want cc gcc
[ -e /usr/include/stdio.h ] || packages+=(libc6-dev)
want openssl openssl
want chromium chromium
want pip3 python3-pip
want promtool prometheus
want etcd etcd-server
want etcdctl etcd-client
if [ ${#packages[@]} -gt 0 ]; then
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  # The packages' own services are none of ours: nothing may start by being installed.
  policy=/usr/sbin/policy-rc.d
  if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' >$policy
    chmod +x $policy
    trap 'rm -f $policy' EXIT
  fi
  apt-get install -y -qq --no-install-recommends "${packages[@]}"
fi

if ! command -v h2spec >/dev/null || ! command -v grpcurl >/dev/null; then
  (cd tools && go install tool)
fi
