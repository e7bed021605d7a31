#!/bin/sh
# Proves on a whole system that guests outlive `systemctl restart cloisterd`: boots Debian with systemd as process 1 in QEMU and
# runs proof.sh there. Without KVM it takes half an hour on a host with nothing else to do, as guests in the guest are emulated
# twice; container.sh proves the same in a minute, except that the limits of the groups have no effect there.
#
#   tests/systemd/vm.sh
set -eu
. "$(dirname "$(readlink -f "$0")")/prepare.sh"

echo '/dev/vda / ext4 rw,discard 0 1' >"$root/etc/fstab"
image=$(mktemp "$cache/disk-XXXXXX")
trap 'rm -f "$image"' EXIT
truncate -s 3G "$image"
mke2fs -q -t ext4 -E lazy_itable_init=1 -d "$root" "$image"
timeout 3600 qemu-system-x86_64 -accel tcg,thread=multi -cpu max -smp 2 -m 3072 -nodefaults -no-user-config -no-reboot \
  -display none -serial stdio -kernel "$root"/boot/vmlinuz-* -initrd "$root"/boot/initrd.img-* \
  -append 'root=/dev/vda rw console=ttyS0 quiet systemd.show_status=0' \
  -drive "file=$image,format=raw,if=virtio,cache=unsafe" -device virtio-rng-pci </dev/null | tee "$cache/console.log"
grep -q '^PASSED' "$cache/console.log"
