#!/usr/bin/env bash
# Every test ring: units, goldens, kernel tests, whole-binary scenarios; as the caller and, when
# the caller is root, once more as an ordinary user. SANITIZE=yes adds units and goldens under
# ASan+UBSan (also `make asan`).
set -euo pipefail
cd "$(dirname "$0")/.."
build=${BUILD:-build/release}
jobs=$(nproc)

make -s build
./cmake/fetch_kubectl.sh "$build"
./cmake/check_includes.sh

run_ctest() { # label for people, then a command prefix
  local name=$1
  shift
  echo "== $name"
  "$@" ctest --test-dir "$test_dir" --output-on-failure --no-tests=error
}

test_dir=$build
run_ctest "all rings as $(id -un)"

if [ "$(id -u)" = 0 ]; then
  user=hoplab-test
  id "$user" >/dev/null 2>&1 || useradd --create-home --shell /bin/bash "$user"
  # The user gets a copy: the checkout may lie where only root can read.
  copy=$(mktemp -d /tmp/hoplab-test.XXXXXX)
  trap 'rm -rf "$copy"' EXIT
  chmod 755 "$copy"
  tests/system/as_user.sh "$build" "$copy" "$user"
fi

if [ "${SANITIZE:-no}" = yes ]; then
  tests/sanitize.sh address
else
  echo "NOT RUN: units under ASan+UBSan (SANITIZE=yes make test, or make asan)"
fi
