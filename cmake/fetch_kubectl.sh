#!/bin/sh
# Puts the real kubectl 1.20 (Debian's kubernetes-client) where the scenarios look for it:
# <build>/tools/kubectl. It is unpacked, not installed, so that a kubectl the machine has stays.
set -eu
out=$1/tools
[ -x "$out/kubectl" ] && exit 0
mkdir -p "$out/unpacked"
out=$(cd "$out" && pwd)
cd "$out/unpacked"
apt-get download -qq kubernetes-client 2>/dev/null || {
  echo "fetch_kubectl.sh: Debian's kubernetes-client cannot be downloaded (apt-get update?)" >&2
  exit 1
}
dpkg-deb -x kubernetes-client_*.deb .
cp usr/bin/kubectl "$out/kubectl"
cd "$out" && rm -rf unpacked
