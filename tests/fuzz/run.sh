#!/usr/bin/env bash
# Builds every *_fuzz.cc with Clang and libFuzzer and runs each for the given number of seconds on
# its inputs in tests/fuzz/corpus/<name>. What it finds of interest grows in the build folder; an
# input that breaks a target is kept there and named, and the others still run.
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=${1:-60}
build=build/fuzz
launcher=()
command -v ccache >/dev/null && launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
CXX=clang++-16 CC=clang-16 cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Debug \
  -DCMAKE_CXX_FLAGS_DEBUG="-O1 -g1" -DHOPLAB_FUZZ=ON -DHOPLAB_TESTS=OFF -DHOPLAB_UNITY=ON \
  "${launcher[@]}" --log-level=WARNING
cmake --build "$build" -j "${JOBS:-$(nproc)}" --target fuzzers

passed=0
failed=0
for source in $(find cmd runtime store web -name '*_fuzz.cc' | sort); do
  name=$(basename "$source" .cc)
  grown=$build/corpus/$name
  log=$build/$name.log
  mkdir -p "$grown"
  if "$build/$name" -max_total_time="$seconds" -rss_limit_mb=2048 -timeout=10 \
    -print_final_stats=1 -artifact_prefix="$build/$name-" "$grown" "tests/fuzz/corpus/$name" \
    >"$log" 2>&1; then
    passed=$((passed + 1))
    echo "ok     $name: $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") inputs in $seconds s"
  else
    failed=$((failed + 1))
    tail -n 60 "$log"
    echo "FAILED $name: all of it in $log"
  fi
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
