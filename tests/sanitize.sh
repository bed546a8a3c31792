#!/usr/bin/env bash
# Unit and golden rings under a sanitizer: `sanitize.sh address` (with undefined) or `thread`.
set -euo pipefail
cd "$(dirname "$0")/.."
kind=${1:-address}
build=build/$kind
launcher=()
command -v ccache >/dev/null && launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS_DEBUG="-O0 -g1" \
  -DHOPLAB_SANITIZE="$kind" "${launcher[@]}" >/dev/null
cmake --build "$build" -j "$(nproc)" --target unit_tests
echo "== unit and golden rings under the $kind sanitizer"
ctest --test-dir "$build" -L unit --output-on-failure --no-tests=error
