#!/usr/bin/env bash
# Every test ring: units and goldens, plain and under ASan+UBSan; kernel tests and whole-binary
# scenarios as the caller and, when the caller is root, once more as an ordinary user.
set -euo pipefail
cd "$(dirname "$0")/.."
build=${BUILD:-build/release}

make -s build
tests/build_sanitized.sh address
./cmake/fetch_kubectl.sh "$build"
./cmake/check_includes.sh
exec python3 -B tests/run_rings.py unit="$build" unit=build/address kernel="$build" system="$build"
