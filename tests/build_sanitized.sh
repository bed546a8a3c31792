#!/usr/bin/env bash
# Builds the unit tests and the fuzz targets' replay with a sanitizer in build/KIND: `address` (with
# undefined) or `thread`. Not optimised: compiling that takes half the time, and no test is slow.
set -euo pipefail
cd "$(dirname "$0")/.."
kind=${1:-address}
launcher=()
command -v ccache >/dev/null && launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
cmake -S . -B "build/$kind" -G Ninja -DCMAKE_BUILD_TYPE=Debug -DHOPLAB_SANITIZE="$kind" \
  "${launcher[@]}" --log-level=WARNING
cmake --build "build/$kind" -j "${JOBS:-$(nproc)}" --target unit_tests
