#!/usr/bin/env bash
# `make bench`: every measurement, on an otherwise idle machine. Figures are medians; where a bare
# floor or a peer exists it is measured in the same run.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=${BUILD:-build/release}  # the same objects: only the bench programs are new
launcher=()
command -v ccache >/dev/null && launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DHOPLAB_BENCH=ON \
  "${launcher[@]}" --log-level=WARNING
cmake --build "$build" -j "$(nproc)" --target hoplab benches
echo "== a whole cluster"
python3 -B tests/bench/cluster_bench.py "$build/hoplab" "${ROUNDS:-5}"
echo "== containers"
python3 -B tests/bench/docker_bench.py "$build/hoplab"
for bench in "$build"/tests/*_bench; do
  echo "== $(basename "$bench")"
  "$bench"
done
