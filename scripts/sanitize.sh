#!/bin/sh
# sanitize.sh [asan|tsan]...: the unit tests under address and undefined behaviour sanitizers, and under
# the thread sanitizer; under the first ones the whole DNS daemon too, as its tests use it (as root).
set -eu
cd "$(dirname "$0")/.."

# All of the daemon's but those that measure its memory and its time, which sanitizers multiply.
DAEMON_TESTS='answers failover forwarding hostile resolvers stale streams tcp threads'

# What a sanitizer has to say of a daemon that lives in the background is in a file.
daemon_tests() {
  reports=$(mktemp -d /var/tmp/burrow-sanitize.XXXXXX)
  trap 'rm -rf "$reports"' EXIT
  for name in $DAEMON_TESTS; do
    printf 'test_dns_%s: ' "$name"
    status=0
    ASAN_OPTIONS="log_path=$reports/report" UBSAN_OPTIONS="log_path=$reports/report:print_stacktrace=1" \
      BURROW_BIN="$PWD/build/asan/bin" PYTHONPATH="$PWD/tests/support" \
      tests/support/sandbox /usr/bin/python3 "tests/integration/test_dns_$name.py" \
      >"$reports/output" 2>&1 || status=$?
    tail -n 1 "$reports/output"
    if [ "$status" -ne 0 ] || ls "$reports"/report* >/dev/null 2>&1; then
      cat "$reports/output" "$reports"/report* 2>/dev/null
      return 1
    fi
  done
}

scripts/install-dependencies.sh --for test
for preset in ${*:-asan tsan}; do
  printf '\n== %s\n' "$preset"
  cmake --preset "$preset" -DBURROW_BENCH=OFF >/dev/null
  cmake --build --preset "$preset" --target unit_tests burrow-dns
  ctest --test-dir "build/$preset" -L unit --output-on-failure
  if [ "$preset" = asan ]; then daemon_tests; fi
done
