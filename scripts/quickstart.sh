#!/bin/sh
# quickstart.sh: from a fresh Debian 12 machine to two containers that talk, in one command, as root:
# installs what is missing, builds the release, runs the demo. A second run takes seconds.
set -eu
cd "$(dirname "$0")/.."

if [ "$(id -u)" != 0 ]; then
  echo "quickstart: must run as root: it installs packages and makes network namespaces" >&2
  exit 1
fi

heading() { printf '\n== %s\n' "$*"; }

heading 'dependencies'
scripts/install-dependencies.sh --for run

heading 'build (release)'
if [ ! -e build/release/build.ninja ]; then cmake --preset release -DBURROW_BENCH=OFF -DBURROW_TESTS=OFF; fi
# Only what the demo runs; ninja shows its progress.
cmake --build --preset release --target burrow burrow-netstack burrow-dns

heading 'demo'
exec scripts/demo.sh build/release/bin
