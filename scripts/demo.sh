#!/bin/bash
# demo.sh [--on-host] [DIRECTORY]: two containers on a network, found by name, with a published port.
# Shows each command before its real output and fails as soon as one does not do what it should.
#
# Runs in network, mount and process namespaces of its own, so that it touches neither the machine's
# interfaces, firewall and forwarding nor a port that is in use, and leaves nothing even when killed;
# what it calls the host is that namespace. With --on-host it is the machine itself.
# DIRECTORY holds the programs (default: the release build).
set -euo pipefail

on_host=no
if [ "${1:-}" = --on-host ]; then
  on_host=yes
  shift
fi
programs=$(realpath "${1:-$(dirname "$0")/../build/release/bin}")
for program in burrow burrow-netstack burrow-dns; do
  if [ ! -x "$programs/$program" ]; then
    echo "demo: no $programs/$program: build it first (scripts/quickstart.sh does)" >&2
    exit 1
  fi
done

if [ $on_host = no ] && [ "${BURROW_DEMO_INSIDE:-}" != yes ]; then
  export BURROW_DEMO_INSIDE=yes
  exec unshare --net --mount --pid --fork --kill-child --mount-proc --uts --ipc \
    --propagation private "$0" "$programs"
fi
if [ $on_host = no ]; then
  mount -t sysfs sysfs /sys
  ip link set lo up
fi

export PATH=$programs:$PATH BURROW_NETSTACK=$programs/burrow-netstack BURROW_DNS=$programs/burrow-dns
BURROW_ROOT=$(mktemp -d /tmp/burrow-demo.XXXXXX)
export BURROW_ROOT

finish() {
  local code=$?
  trap - EXIT
  burrow rm --all --force >/dev/null 2>&1 || code=1
  for network in $(burrow network ls --quiet 2>/dev/null); do
    burrow network rm "$network" >/dev/null 2>&1 || code=1
  done
  rm -rf "$BURROW_ROOT"
  if [ "$code" != 0 ]; then echo "demo: FAILED (exit code $code)" >&2; fi
  exit "$code"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

bold= plain=
if [ -t 1 ]; then
  bold=$(printf '\033[1m')
  plain=$(printf '\033[0m')
fi

say() { printf '\n# %s\n' "$*"; }
# Shows a command as one would type it, then runs it.
run() {
  local shown= word
  for word in "$@"; do
    case $word in
      *[!A-Za-z0-9_./:=@%+,-]*) word="'$word'" ;;
    esac
    shown="$shown $word"
  done
  printf '%s$%s%s\n' "$bold" "$shown" "$plain"
  "$@"
}
# The same, and its output must contain the first argument.
expect() {
  local wanted=$1 output
  shift
  output=$(run "$@") || { printf '%s\n' "$output"; return 1; }
  printf '%s\n' "$output"
  case $output in
    *"$wanted"*) ;;
    *)
      echo "demo: expected \"$wanted\" in that output" >&2
      return 1
      ;;
  esac
}
# Waits until a command succeeds: a server needs a moment to listen after its start.
await() {
  local tries=100
  until "$@" >/dev/null 2>&1; do
    tries=$((tries - 1))
    if [ $tries = 0 ]; then
      echo "demo: gave up waiting for: $*" >&2
      return 1
    fi
    sleep 0.05
  done
}

page='Hello from web.'
serve="mkdir /srv/www && echo \"$page\" > /srv/www/index.html && exec busybox httpd -f -p 80 -h /srv/www"

say 'A network: a bridge with a subnet, a gateway and a name server of its own.'
run burrow network create demo
run burrow network ls

say 'Two containers on it. Each sees the files of the host, read-only below a layer of its own.'
run burrow run -d --name web --network demo -p 8080:80 -- sh -c "$serve"
run burrow run -d --name client --network demo -- sleep 3600
run burrow ps
await busybox wget -qO- http://127.0.0.1:8080/

say 'The client finds web by its name ...'
expect web burrow exec client -- getent hosts web
say '... and fetches a page by that name.'
expect "$page" burrow exec client -- busybox wget -qO- http://web/
say 'The host reaches the same page through the published port.'
expect "$page" busybox wget -qO- http://127.0.0.1:8080/
expect 8080 burrow port web

say 'What was made, as a picture.'
expect burrow1 burrow topology

say 'And everything goes away again.'
run burrow rm --force web client
run burrow network rm demo
run burrow ps --all
run burrow network ls
for link in $(ls /sys/class/net); do
  case $link in
    burrow1 | veth*)
      if [ $on_host = no ]; then
        echo "demo: link $link is left" >&2
        exit 1
      fi
      ;;
  esac
done
printf '\n# Done: two containers met by name, a port was published, and nothing is left.\n'
