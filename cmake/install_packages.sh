#!/bin/sh
# Installs the Debian packages that `build`, `test`, `bench`, `lint` or `deb` need, when one is missing.
# Usage: install_packages.sh build [test] [bench] [lint] [deb]
set -eu

build="g++ cmake ninja-build pkg-config make libnl-3-dev libmnl-dev
 libnftnl-dev libsqlite3-dev nlohmann-json3-dev libcpp-httplib-dev libyaml-cpp-dev libssl-dev
 libboost-program-options-dev zlib1g-dev libarchive-dev"
# What the demo and a learner's shell call.
tools="iproute2 iptables iputils-ping curl procps tcpdump"
test="libgtest-dev libgmock-dev python3 conntrack"
bench="libbenchmark-dev"
deb="dpkg-dev file"
lint="clang-16 clang-format-16 clang-tidy-16 libclang-rt-16-dev"

wanted="$build $tools"
for group in "$@"; do
  case $group in
    build) ;;
    test) wanted="$wanted $test" ;;
    bench) wanted="$wanted $bench" ;;
    lint) wanted="$wanted $lint" ;;
    deb) wanted="$wanted $deb" ;;
    *) echo "install_packages.sh: unknown group \"$group\"" >&2; exit 2 ;;
  esac
done

missing=""
for package in $wanted; do
  state=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$state" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

as_root=""
if [ "$(id -u)" != 0 ]; then
  command -v sudo >/dev/null || {
    echo "These packages are missing:$missing" >&2
    echo "Install them as root: apt-get install$missing" >&2
    exit 1
  }
  as_root="sudo"
fi
echo "Installing:$missing"
$as_root apt-get update -qq
# Word splitting is wanted: a list of package names.
# shellcheck disable=SC2086
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
