#!/bin/sh
# install-dependencies.sh [--for run|test|vm]: Debian packages that building and running Burrow needs, or
# building, running and testing, or testing in a virtual machine. Says what it installs; ends at once when all is there.
# The only list of packages: what quickstart.sh, test.sh and test-vm.sh need is written here and nowhere else.
set -eu

# "a|b": either will do, a is installed when both are missing. Debian's two busyboxes exclude each
# other, so the one that tests need too comes first.
run_packages='
  cmake ninja-build g++ git pkg-config
  libcli11-dev libdbus-1-dev libexpected-dev libfmt-dev libmnl-dev libnftnl-dev libnl-3-dev
  libsqlite3-dev nlohmann-json3-dev
  crun|runc busybox-static|busybox iproute2 util-linux ca-certificates'
test_packages="
  doctest-dev python3 python3-jsonschema nftables iputils-ping bind9-dnsutils conntrack
  busybox-static musl-tools dnsperf ccache mold podman dnsmasq-base kea-dhcp4-server kea-dhcp6-server
  dbus firewalld systemd"

vm_packages='qemu-system-x86 cpio kmod python3 busybox-static|busybox iproute2 util-linux nftables'

purpose=run
case ${1:-} in
  --for) purpose=${2:-} ;;
  '') ;;
  *) purpose=unknown ;;
esac
case $purpose in
  run) wanted=$run_packages ;;
  test) wanted="$run_packages $test_packages" ;;
  vm) wanted=$vm_packages ;;
  *)
    echo "usage: install-dependencies.sh [--for run|test|vm]" >&2
    exit 2
    ;;
esac

installed=" $(dpkg-query -W -f='${db:Status-Status} ${Package}\n' | sed -n 's/^installed //p' | tr '\n' ' ') "
is_installed() {
  case $installed in
    *" $1 "*) return 0 ;;
    *) return 1 ;;
  esac
}

missing=
for entry in $wanted; do
  found=
  for package in "${entry%%|*}" "${entry##*|}"; do
    if is_installed "$package"; then found=yes; fi
  done
  if [ -z "$found" ]; then missing="$missing ${entry%%|*}"; fi
done

if [ -z "$missing" ]; then
  echo "dependencies: all there"
  exit 0
fi
if [ "$(id -u)" != 0 ]; then
  echo "dependencies: missing, and only root can install them:$missing" >&2
  exit 1
fi
echo "dependencies: installing$missing"
export DEBIAN_FRONTEND=noninteractive
# Tests start a firewalld of their own. The package's service must not begin to guard this machine:
# it would close all ports but ssh. (Without systemd nothing is started anyway.)
case "$missing " in
  *' firewalld '*)
    if [ -d /run/systemd/system ]; then
      systemctl mask --quiet firewalld.service
      echo "dependencies: firewalld.service is masked; systemctl unmask firewalld.service to use it"
    fi ;;
esac
apt-get update -qq
# One line a package, so that it can be seen to go on, and apt's own errors.
# shellcheck disable=SC2086
apt-get install -y -qq --no-install-recommends $missing 2>&1 | sed -n 's/^Setting up /  /p; /^[EW]: /p; /Conflicts:/p'
for package in $missing; do
  status=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
  if [ "$status" != installed ]; then
    echo "dependencies: $package was not installed; try: apt-get install $package" >&2
    exit 1
  fi
done
echo "dependencies: done"
