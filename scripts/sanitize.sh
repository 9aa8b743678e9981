#!/bin/sh
# sanitize.sh [asan|tsan]...: the unit tests under address and undefined behaviour sanitizers, and under
# the thread sanitizer.
set -eu
cd "$(dirname "$0")/.."
scripts/install-dependencies.sh --for test
for preset in ${*:-asan tsan}; do
  printf '\n== %s\n' "$preset"
  cmake --preset "$preset" -DBURROW_BENCH=OFF >/dev/null
  cmake --build --preset "$preset" --target unit_tests
  ctest --test-dir "build/$preset" -L unit --output-on-failure
done
