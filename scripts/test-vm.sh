#!/bin/sh
# test-vm.sh [TEST...]          the integration tests of that name, or all that say "# needs:", in a virtual machine
# test-vm.sh --list             which those are, and what each needs
# test-vm.sh -- COMMAND...      any command in the machine, for trying by hand
#
# For link kinds that the kernel here may lack (dummy, ipvlan, vrf, VLAN filtering, SCTP), and to see
# the tests pass on the kernel that Debian's hosts have. The machine sees this file system as it is,
# with a layer of its own on top, so what is built and installed here is there, and what it writes is
# gone with it. Without KVM it is emulated, many times slower: minutes, not seconds.
#
#   BURROW_VM_DIR      kernel and boot files, made once (/var/cache/burrow/vm)
#   BURROW_VM_KERNEL   Debian package of the kernel (linux-image-amd64)
#   BURROW_VM_TIMEOUT  seconds for everything, after which the machine is switched off (3600)
#   BURROW_VM_BIN      the programs to test (build/dev/bin)
#
# Exit status: 0 all passed or skipped, 1 a test failed, 2 wrong usage, 3 the machine did not come to
# an end; with "--" the command's own.
set -eu

tree=$(realpath "$(dirname "$0")/..")
cache=${BURROW_VM_DIR:-/var/cache/burrow/vm}
kernel=${BURROW_VM_KERNEL:-linux-image-amd64}
limit=${BURROW_VM_TIMEOUT:-3600}
bin=${BURROW_VM_BIN:-$tree/build/dev/bin}
known_needs='dummy ipvlan vrf vlan_filtering sctp physical'

say() { printf '%s\n' "$*" >&2; }
die() { status=$1; shift; say "test-vm: $*"; exit "$status"; }

# Names of the test files that need the machine, one a line.
tests_with_needs() {
  for file in "$tree"/tests/integration/test_*.py; do
    if head -n 40 "$file" | grep -q '^# needs: '; then basename "$file" .py | sed 's/^test_//'; fi
  done
}

needs_of() { head -n 40 "$tree/tests/integration/test_$1.py" | sed -n 's/^# needs: //p'; }

check_needs() {
  for name in "$@"; do
    [ -e "$tree/tests/integration/test_$name.py" ] || die 2 "there is no test \"$name\""
    for word in $(needs_of "$name"); do
      case " $known_needs " in
        *" $word "*) ;;
        *) die 2 "test_$name.py needs \"$word\"; known are: $known_needs" ;;
      esac
    done
  done
}

# --- what the machine is made of ------------------------------------------------------------------

install_missing() {
  wanted=
  command -v qemu-system-x86_64 > /dev/null || wanted="$wanted qemu-system-x86"
  command -v cpio > /dev/null || wanted="$wanted cpio"
  command -v depmod > /dev/null || wanted="$wanted kmod"
  [ -e /bin/busybox ] || [ -e /usr/bin/busybox ] || wanted="$wanted busybox-static"
  [ -n "$wanted" ] || return 0
  say "test-vm: installing$wanted"
  # shellcheck disable=SC2086
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $wanted > /dev/null
}

# The kernel and its modules, unpacked into the cache and installed nowhere.
fetch_kernel() {
  home=$cache/$kernel
  if [ -e "$home/complete" ]; then return 0; fi
  package=$(apt-cache depends "$kernel" | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1)
  say "test-vm: fetching ${package:-$kernel}"
  rm -rf "$home" && mkdir -p "$home/files"
  # apt drops its rights for downloads, which it cannot do in a directory of root's.
  (cd "$home" && apt-get -o APT::Sandbox::User=root download -qq "${package:-$kernel}") >&2
  dpkg -x "$home"/linux-image-*.deb "$home/files"
  rm "$home"/linux-image-*.deb
  depmod -b "$home/files" "$(release)"
  touch "$home/complete"
}

release() { ls "$home/files/lib/modules"; }

# Paths of modules and of those that they need, in the order in which they must be loaded.
module_files() {
  for module in "$@"; do
    modprobe -d "$home/files" -S "$(release)" --show-depends "$module" 2> /dev/null |
      sed -n 's/^insmod \([^ ]*\).*/\1/p'
  done | awk '!seen[$0]++'
}

# The first file system: enough to reach the tree.
make_initrd() {
  root=$work/initrd
  mkdir -p "$root/bin" "$root/modules" "$root/proc" "$root/sys" "$root/dev" "$root/tree" "$root/layer" "$root/new"
  cp "$(command -v busybox)" "$root/bin/busybox"
  number=100
  for file in $(module_files virtio_pci 9pnet_virtio 9p overlay); do
    number=$((number + 1))
    cp "$file" "$root/modules/$number-$(basename "$file")"
  done
  cat > "$root/init" << 'INIT'
#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
for module in /modules/*; do insmod "$module" 2> /dev/null; done
share() { mount -t 9p -o "trans=virtio,version=9p2000.L,msize=524288,$3" "$1" "$2"; }
share tree /tree ro,cache=loose && mount -t tmpfs tmpfs /layer && mkdir /layer/upper /layer/work &&
  mount -t overlay -o lowerdir=/tree,upperdir=/layer/upper,workdir=/layer/work overlay /new &&
  mkdir -p /new/burrow-vm && share talk /new/burrow-vm rw,cache=none || poweroff -f
umount /proc /sys /dev
exec switch_root /new /bin/sh /burrow-vm/start
INIT
  chmod +x "$root/init"
  (cd "$root" && find . | cpio --quiet -o -H newc | gzip -1) > "$work/initrd.gz"
}

# What the machine runs when it sees the tree: first a host's usual surroundings, then the job.
make_start() {
  cat > "$talk/start" << START
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb LANG=C.UTF-8
exec < /dev/null > /burrow-vm/output 2>&1
mount -t proc proc /proc; mount -t sysfs sysfs /sys; mount -t devtmpfs devtmpfs /dev
mkdir -p /dev/pts /dev/shm; mount -t devpts devpts /dev/pts; mount -t tmpfs tmpfs /dev/shm
for link in fd: stdin:/0 stdout:/1 stderr:/2; do ln -sfn "/proc/self/fd\${link#*:}" "/dev/\${link%%:*}"; done
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t tmpfs tmpfs /run; mkdir -p /run/lock /run/netns /run/sysctl.d
mount -t tmpfs tmpfs /tmp; chmod 1777 /tmp
case "$tree" in
  /tmp/*) mkdir -p "$tree"; mount -t 9p -o trans=virtio,version=9p2000.L,msize=524288,ro,cache=loose work "$tree" ;;
esac
mkdir -p /lib/modules
mount -t tmpfs tmpfs /lib/modules && mkdir "/lib/modules/$(release)"
mount -t 9p -o trans=virtio,version=9p2000.L,msize=524288,ro,cache=loose modules "/lib/modules/$(release)"
ip link set lo up
for module in virtio_net veth bridge 8021q macvlan ipvlan ipvtap vrf dummy tun sctp nf_tables nft_ct nft_nat nft_chain_nat \\
  nft_masq nft_redir nft_fib_inet nft_reject_inet nf_conntrack nf_conntrack_netlink; do
  modprobe "\$module" 2> /dev/null
done
cd "$tree"
/bin/sh /burrow-vm/job
echo "\$?" > /burrow-vm/status
sync
echo o > /proc/sysrq-trigger
sleep 60
START
}

# --- what it is to do -----------------------------------------------------------------------------

job_of_tests() {
  echo 'failed=0'
  echo 'say() { printf "%s\n" "$*"; }'
  printf 'export BURROW_BIN=%s PYTHONPATH=%s\n' "'$bin'" "'$tree/tests/support'"
  echo 'say "Linux $(uname -r), $(nproc) processors"'
  for name in "$@"; do
    # The kernel takes physical links back into its first network namespace: tests see that from there.
    case " $(needs_of "$name") " in
      *' physical '*) place= ;;
      *) place="'$tree/tests/support/sandbox'" ;;
    esac
    cat << TEST
before=\$(cut -d. -f1 /proc/uptime)
$place /usr/bin/python3 '$tree/tests/integration/test_$name.py' > /tmp/words 2>&1
status=\$?
took=\$((\$(cut -d. -f1 /proc/uptime) - before))
case \$status in
  0) say "passed   $name (\$took s)\$(sed -n 's/^OK (\(skipped.*\))$/, \1/p' /tmp/words)" ;;
  77) say "skipped  $name: \$(tail -n 1 /tmp/words)" ;;
  *) failed=\$((failed + 1)); say "FAILED   $name (\$took s, status \$status)"; sed 's/^/    /' /tmp/words ;;
esac
TEST
  done
  printf 'say "%s tests, $failed failed"\n' "$#"
  echo '[ "$failed" = 0 ]'
}

job_of_command() {
  for word in "$@"; do printf "'%s' " "$(printf %s "$word" | sed "s/'/'\\\\''/g")"; done
  echo
}

# --- running it -----------------------------------------------------------------------------------

run_machine() {
  accelerator=tcg,thread=multi
  if [ -w /dev/kvm ]; then accelerator=kvm; fi
  : > "$talk/output"
  export_share() { echo "-virtfs local,path=$1,mount_tag=$2,security_model=$3,multidevs=remap"; }
  # shellcheck disable=SC2046
  timeout --foreground "$limit" qemu-system-x86_64 -accel "$accelerator" -cpu max -smp 2 -m 3072 \
    -nodefaults -display none -no-reboot -serial "file:$work/console" \
    -kernel "$(echo "$home"/files/boot/vmlinuz-*)" -initrd "$work/initrd.gz" \
    -append 'console=ttyS0 quiet loglevel=4 panic=-1' \
    $(export_share / tree none,readonly=on) $(export_share "$tree" work none,readonly=on) \
    $(export_share "$home/files/lib/modules/$(release)" modules none,readonly=on) \
    $(export_share "$talk" talk none) \
    -netdev hubport,hubid=1,id=cable -device virtio-net-pci,netdev=cable < /dev/null > "$work/qemu" 2>&1 &
  machine=$!
  tail -n +1 -f --pid="$machine" "$talk/output" &
  reader=$!
  wait "$machine" && ended=0 || ended=$?
  wait "$reader" || true
}

report() {
  if [ -s "$talk/status" ]; then return "$(cat "$talk/status")"; fi
  say "test-vm: the machine did not come to an end (status $ended); its console, last:"
  tail -n 20 "$work/console" "$work/qemu" >&2 || true
  return 3
}

mode=tests
case ${1:-} in
  -h | --help) sed -n '2,/^set -eu/s/^# \{0,1\}//p' "$0"; exit 0 ;;
  --list) for name in $(tests_with_needs); do printf '%-28s%s\n' "$name" "$(needs_of "$name")"; done; exit 0 ;;
  --) mode=command; shift; [ $# -gt 0 ] || die 2 'a command is missing' ;;
  -*) die 2 "unknown option \"$1\"; try --help" ;;
esac
[ "$(id -u)" = 0 ] || die 2 'only root can share the whole file system with the machine'
if [ "$mode" = tests ]; then
  # shellcheck disable=SC2046
  [ $# -gt 0 ] || set -- $(tests_with_needs)
  [ $# -gt 0 ] || die 2 'no test says "# needs:"'
  check_needs "$@"
  [ -x "$bin/burrow-netstack" ] || die 2 "\"$bin/burrow-netstack\" is not built: scripts/test.sh, or cmake --build --preset dev"
fi
install_missing
fetch_kernel
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
talk=$work/talk
mkdir "$talk"
if [ "$mode" = tests ]; then job_of_tests "$@" > "$talk/job"; else job_of_command "$@" > "$talk/job"; fi
make_initrd
make_start
run_machine
report
