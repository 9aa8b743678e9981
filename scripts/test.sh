#!/bin/sh
# test.sh [CTEST OPTIONS]: installs what is missing, builds, runs all unit and integration tests, and
# ends with ctest's own summary. As root: integration tests make namespaces of their own, and leave
# nothing outside of them, so as many run at once as there are processors.
# To run a few: scripts/test.sh -R dns; only unit tests: scripts/test.sh -L unit.
set -eu
cd "$(dirname "$0")/.."

heading() { printf '\n== %s\n' "$*"; }

heading 'dependencies'
scripts/install-dependencies.sh --for test

heading 'build (dev)'
if [ ! -e build/dev/build.ninja ]; then cmake --preset dev; fi
cmake --build --preset dev

heading 'tests'
exec ctest --test-dir build/dev --output-on-failure --parallel "$(nproc)" "$@"
