#!/usr/bin/env bash
# Builds every *_fuzz.cc with Clang and libFuzzer and runs each for the given number of seconds on
# its corpus in tests/fuzz/corpus/<name>. A crash stops the run and leaves its input beside.
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=${1:-60}
build=build/fuzz
CXX=clang++-16 CC=clang-16 cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Debug \
  -DCMAKE_CXX_FLAGS_DEBUG="-O1 -g" -DHOPLAB_FUZZ=ON -DHOPLAB_TESTS=OFF >/dev/null
cmake --build "$build" -j "$(nproc)" --target fuzzers
for source in $(git ls-files '*_fuzz.cc'); do
  name=$(basename "$source" .cc)
  corpus=tests/fuzz/corpus/$name
  grown=$build/corpus/$name
  mkdir -p "$grown" "$corpus"
  echo "== $name, $seconds s"
  "$build/$name" -max_total_time="$seconds" -rss_limit_mb=2048 -timeout=10 -print_final_stats=0 \
    -verbosity=0 -artifact_prefix="$build/$name-" "$grown" "$corpus"
done
