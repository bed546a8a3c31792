#!/bin/sh
# Puts the real kubectl 1.20 (Debian's kubernetes-client) where the scenarios look for it:
# <build>/tools/kubectl. It is unpacked, not installed, so that a kubectl the machine has stays.
# Without it the scenarios say which of them were not run.
set -eu
out=$1/tools
[ -x "$out/kubectl" ] && exit 0
mkdir -p "$out/unpacked"
out=$(cd "$out" && pwd)
cd "$out/unpacked"
download() { apt-get download -qq kubernetes-client 2>/dev/null; }
# A machine that has every package may still lack the package lists.
if ! download && [ "$(id -u)" = 0 ]; then apt-get update -qq 2>/dev/null || true; fi
if [ -z "$(ls kubernetes-client_*.deb 2>/dev/null)" ] && ! download; then
  echo "NOT RUN with kubectl 1.20: Debian's kubernetes-client cannot be downloaded" >&2
  cd "$out" && rm -rf unpacked
  exit 0
fi
dpkg-deb -x kubernetes-client_*.deb .
cp usr/bin/kubectl "$out/kubectl"
cd "$out" && rm -rf unpacked
